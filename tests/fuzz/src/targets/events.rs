//! The bodies of event packages: read, applied in any order, and what we write can be read.

use agent_sip::event::{dialog_info, features, lines::Line, mwi, pidf, reginfo};

/// Documents of dialog-info between bytes 0x1e, applied one after the other.
pub fn dialog_info(bytes: &[u8]) {
    let mut line = Line::default();
    for document in bytes.split(|&b| b == 0x1e).take(32) {
        if let Ok(info) = dialog_info::parse(document) {
            line.apply(info);
            let _ = (line.known(), line.info());
        }
    }
}

/// Presence: what was read is written so that it reads the same.
pub fn presence(bytes: &[u8]) {
    if let Ok(info) = pidf::parse(bytes) {
        let written = pidf::write("sip:1001@pbx.example", &info);
        let again = pidf::parse(written.as_bytes()).expect("what we write can be read");
        assert_eq!(
            again,
            pidf::parse(pidf::write("sip:1001@pbx.example", &again).as_bytes()).expect("again")
        );
    }
    let _ = (mwi::parse(bytes), reginfo::parse(bytes), features::parse(bytes));
}
