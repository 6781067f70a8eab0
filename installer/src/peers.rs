//! Peers of the tests that no distribution has: Python's pjsua2, of one version and one content, in `target/tools`.

use std::fs;

use crate::{
    error::{Error, Result, run},
    stages::announce,
    tree::Tree,
};

/// What pip is told: the release `tests/harness/peers/pjsua.py` was written for, and the one file of it there is for Debian
/// 12's Python.
const PJSUA2: &str = "pjsua2-python==2.15.1.post1 \
     --hash=sha256:4eb5c3afca5ef589f94493ae14c86dbaf3584a9abc7964e89864ed85020c3d16\n";

/// What stands in the name of every test that needs it.
pub(crate) const NEEDS_PJSUA2: &str = "pjsua";

/// Downloads and unpacks pjsua2 where it is not there.
pub(crate) fn provide(tree: &Tree) -> Result<()> {
    let tools = tree.target("tools");
    let folder = tools.join("pjsua2");
    // What was installed is noted last, so that half of it is not taken for all.
    let note = folder.join("installed");
    if fs::read_to_string(&note).is_ok_and(|installed| installed == PJSUA2) {
        return Ok(());
    }
    announce("pjsua2 for Python, once");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(Error::file(&folder))?;
    }
    fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
    let wanted = tools.join("pjsua2-wanted");
    fs::write(&wanted, PJSUA2).map_err(Error::file(&wanted))?;
    let mut pip = tree.program("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes"]);
    run(pip.arg("--target").arg(&folder).arg("--requirement").arg(&wanted))?;
    run(tree.program("python3").env("PYTHONPATH", &folder).args(["-c", "import pjsua2"]))?;
    fs::write(&note, PJSUA2).map_err(Error::file(&note))
}

#[cfg(test)]
mod tests {
    use super::PJSUA2;

    #[test]
    fn what_is_fetched_is_of_one_version_and_one_content() {
        let (what, hash) = PJSUA2.trim_end().split_once(" --hash=sha256:").expect("a hash");
        assert!(what.split_once("==").is_some_and(|(_, version)| !version.contains('*')), "{what}");
        assert!(hash.len() == 64 && hash.bytes().all(|digit| digit.is_ascii_hexdigit()), "{hash}");
    }
}
