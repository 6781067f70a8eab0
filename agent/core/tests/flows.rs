//! Call flows as transcripts: each file of `flows/` is played line by line, and what the core says must be what stands
//! there. `TRAYPHONE_BLESS=1 cargo test -p agent-core --test flows` writes the files anew; read them before you keep them.

#[path = "support/play.rs"]
mod play;
mod support;
#[path = "support/transfer.rs"]
mod transfer;

use std::{fs, path::Path};

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the flows are files, and a switch blesses them: a test's, not the core's"
)]
fn every_flow_is_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/flows");
    let bless = std::env::var("TRAYPHONE_BLESS").is_ok();
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 25, "only {} flows", files.len());
    let mut wrong = Vec::new();
    for file in files {
        let written = fs::read_to_string(&file).unwrap();
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let played = replay(&name, &written);
        if played != written {
            if bless {
                fs::write(&file, &played).unwrap();
            } else {
                wrong.push(format!("{name}:\n{}", difference(&written, &played)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

fn replay(name: &str, written: &str) -> String {
    let mut run = play::Run::new();
    for line in written.lines() {
        println!("{name}: {line}");
        run.line(line);
    }
    format!("{}\n", run.lines.join("\n"))
}

fn difference(written: &str, played: &str) -> String {
    let (written, played): (Vec<&str>, Vec<&str>) = (written.lines().collect(), played.lines().collect());
    let same = written.iter().zip(&played).take_while(|(w, p)| w == p).count();
    let part = |lines: &[&str]| lines.iter().skip(same).take(6).copied().collect::<Vec<_>>().join("\n    ");
    format!("  from line {}\n  written\n    {}\n  played\n    {}", same + 1, part(&written), part(&played))
}
