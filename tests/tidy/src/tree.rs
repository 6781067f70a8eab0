//! The files of this tree, as a fresh clone would have them.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A file, by its path below the root with `/` between folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextFile {
    /// `agent/core/src/lib.rs`.
    pub path: String,
    /// What it says.
    pub text: String,
}

/// This tree's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("tests/tidy lies two below the root")
        .to_owned()
}

/// Every text file but what is built or belongs to git; bytes that are no text are left out.
pub fn files() -> Vec<TextFile> {
    let root = root();
    let mut files = Vec::new();
    collect(&root, &root, &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<TextFile>) {
    for entry in fs::read_dir(folder).expect("a folder of this tree can be read").flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        // In a second working tree `.git` is a file that names where the first one lies.
        if name == ".git" {
            continue;
        }
        if path.is_dir() {
            let built = folder == root && (name == "target" || name.starts_with("target-"));
            if !built {
                collect(root, &path, files);
            }
        } else if let Ok(text) = fs::read_to_string(&path) {
            let below = path.strip_prefix(root).expect("found below it").to_string_lossy().replace('\\', "/");
            files.push(TextFile { path: below, text });
        }
    }
}

/// The Rust files among them.
pub fn rust(files: &[TextFile]) -> impl Iterator<Item = &TextFile> {
    files.iter().filter(|file| file.path.ends_with(".rs"))
}

/// The one at this path.
pub fn at<'a>(files: &'a [TextFile], path: &str) -> Option<&'a TextFile> {
    files.iter().find(|file| file.path == path)
}
