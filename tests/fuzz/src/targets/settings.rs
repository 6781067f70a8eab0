//! The settings file: whatever stands in it, it is read or its mistakes are named with their lines.

use std::path::Path;

use agent_store::parse_settings;

/// A text (other bytes are refused before they are read as settings).
pub fn settings(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Err(wrong) = parse_settings(Path::new("trayphone.toml"), text) {
        assert!(wrong.to_string().contains("trayphone.toml"), "a mistake without the file's name: {wrong}");
    }
}
