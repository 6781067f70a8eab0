//! Room on the disk that is kept free for the end: with the disk full, the calls of a run are written in its place.

use crate::platform;
use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Bytes: some two thousand calls, and what SQLite needs beside them.
const SIZE: usize = 1 << 20;

fn file(journal: &Path) -> PathBuf {
    journal.with_extension("reserve")
}

/// Makes the reserve where there is none. Without it the program is only a little poorer: a failure is no trouble.
pub(crate) fn keep(journal: &Path) {
    let file = file(journal);
    if fs::metadata(&file).is_ok_and(|meta| meta.len() == SIZE as u64) {
        return;
    }
    if let Err(error) = fill(&file) {
        tracing::debug!(%error, "there is no room to reserve for the journal");
        // Half a reserve would take the room from the journal itself.
        let _ = fs::remove_file(&file);
    }
}

fn fill(file: &Path) -> io::Result<()> {
    // Bytes that look random: zeroes would take no room where a file system packs them.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let bytes: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    })
    .take(SIZE)
    .collect();
    let mut file = platform::private_file().create(true).write(true).truncate(true).open(file)?;
    file.write_all(&bytes)?;
    file.sync_data()
}

/// Gives the room back; `false` where there was none. The next run keeps some again.
pub(crate) fn give_up(journal: &Path) -> bool {
    fs::remove_file(file(journal)).is_ok()
}
