//! No import circle among the files of a crate: whoever reads one file has not to have read another that needs the first.
//!
//! `use` paths and written-out paths are followed to the file where the named item stands, through re-exports of a
//! parent. A parent's `pub use` of its own children is a table of contents and no import.

use std::collections::{BTreeMap, BTreeSet};

use syn::{
    Item, ItemMod, ItemUse, Visibility,
    visit::{self, Visit},
};

use crate::{
    Finding,
    tree::TextFile,
    uses::{Leaf, leaves},
};

/// A module path below the crate's root; the root is the empty path.
type Path = Vec<String>;

/// Looks at one crate: its files, whose paths begin with `folder` (`agent/core/src/`).
pub fn check(folder: &str, files: &[TextFile]) -> Vec<Finding> {
    let mut modules = BTreeMap::new();
    for file in files.iter().filter(|file| file.path.starts_with(folder) && file.path.ends_with(".rs")) {
        let below = &file.path[folder.len()..];
        // further programs are crates of their own
        if below.starts_with("bin/") {
            continue;
        }
        if let Ok(syntax) = syn::parse_file(&file.text) {
            modules.insert(module_path(below), Module::of(&syntax));
        }
    }
    let edges: BTreeMap<&Path, BTreeSet<&Path>> =
        modules.iter().map(|(path, module)| (path, imports(path, module, &modules))).collect();
    circles(&edges)
        .into_iter()
        .map(|circle| {
            let names: Vec<String> =
                circle.iter().map(|path| format!("crate::{}", path.join("::"))).collect();
            format!("{folder}: {} import each other in a circle", names.join(", "))
        })
        .collect()
}

/// `message/decode.rs` is `message::decode`; `lib.rs` and `main.rs` are the root.
fn module_path(below: &str) -> Path {
    let mut path: Path = below.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if path.last().is_some_and(|last| matches!(last.as_str(), "lib" | "main" | "mod")) {
        path.pop();
    }
    path
}

struct Module {
    /// Every path it names from the crate's root, from itself or from its parent.
    paths: Vec<Path>,
    /// Names it hands on: the name, and the path it stands for.
    exports: BTreeMap<String, Path>,
}

impl Module {
    fn of(file: &syn::File) -> Self {
        let mut module = Self { paths: Vec::new(), exports: BTreeMap::new() };
        let children: Vec<String> = file
            .items
            .iter()
            .filter_map(|item| match item {
                Item::Mod(ItemMod { ident, content: None, .. }) => Some(ident.to_string()),
                _ => None,
            })
            .collect();
        Reader { module: &mut module, children }.visit_file(file);
        module
    }
}

struct Reader<'a> {
    module: &'a mut Module,
    children: Vec<String>,
}

impl Reader<'_> {
    /// `use` paths may begin with a child's name.
    fn used(&mut self, item: &ItemUse) {
        let public = !matches!(item.vis, Visibility::Inherited);
        for Leaf { mut path, name, glob } in leaves(&item.tree) {
            let Some(first) = path.first() else { continue };
            let child = self.children.contains(first);
            if child {
                path.insert(0, "self".to_owned());
            }
            if !matches!(path[0].as_str(), "crate" | "self" | "super") {
                continue;
            }
            if public && !glob {
                self.module.exports.insert(name, path.clone());
            }
            let table_of_contents = public && path[0] == "self";
            if !table_of_contents {
                self.module.paths.push(path);
            }
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        // what only the tests import does not make the code harder to read
        if module.content.is_none() || module.ident != "tests" {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.used(item);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let mut names: Path = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if names.len() > 1 {
            if self.children.contains(&names[0]) {
                names.insert(0, "self".to_owned());
            }
            if matches!(names[0].as_str(), "crate" | "self" | "super") {
                self.module.paths.push(names);
            }
        }
        visit::visit_path(self, path);
    }
}

/// The files a module's paths lead to, itself left out.
fn imports<'a>(from: &Path, module: &Module, modules: &'a BTreeMap<Path, Module>) -> BTreeSet<&'a Path> {
    module
        .paths
        .iter()
        .filter_map(|path| home(&absolute(from, path)?, modules, 0))
        .filter(|to| *to != from)
        .collect()
}

/// `super::x` and `self::x` from the crate's root.
fn absolute(from: &Path, path: &Path) -> Option<Path> {
    let mut at = match path.first()?.as_str() {
        "crate" => Vec::new(),
        _ => from.clone(),
    };
    for name in path {
        match name.as_str() {
            "crate" | "self" => {}
            "super" => {
                at.pop()?;
            }
            name => at.push(name.to_owned()),
        }
    }
    Some(at)
}

/// The module where the item at `path` stands: the longest module path, then on through its re-exports.
fn home<'a>(path: &Path, modules: &'a BTreeMap<Path, Module>, depth: usize) -> Option<&'a Path> {
    let length = (0..=path.len()).rev().find(|&length| modules.contains_key(&path[..length]))?;
    let (module_path, module) = modules.get_key_value(&path[..length])?;
    // A chain of re-exports longer than this is a circle of its own.
    if depth > 8 {
        return Some(module_path);
    }
    let handed_on = path.get(length).and_then(|name| module.exports.get(name));
    if let Some(target) = handed_on.and_then(|target| absolute(module_path, target)) {
        return home(&target, modules, depth + 1);
    }
    Some(module_path)
}

/// The groups of modules that reach each other.
fn circles<'a>(edges: &BTreeMap<&'a Path, BTreeSet<&'a Path>>) -> Vec<Vec<&'a Path>> {
    let reach: BTreeMap<&Path, BTreeSet<&Path>> =
        edges.keys().map(|&path| (path, reachable(path, edges))).collect();
    let mut seen = BTreeSet::new();
    let mut circles = Vec::new();
    for (&path, reached) in &reach {
        if !reached.contains(path) || seen.contains(path) {
            continue;
        }
        let circle: Vec<&Path> =
            reached.iter().copied().filter(|other| reach[other].contains(path)).collect();
        seen.extend(circle.iter().copied());
        circles.push(circle);
    }
    circles
}

fn reachable<'a>(from: &'a Path, edges: &BTreeMap<&'a Path, BTreeSet<&'a Path>>) -> BTreeSet<&'a Path> {
    let mut reached = BTreeSet::new();
    let mut todo: Vec<&Path> = edges[from].iter().copied().collect();
    while let Some(path) = todo.pop() {
        if reached.insert(path) {
            todo.extend(edges[path].iter().copied());
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tree::TextFile;

    fn findings(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<TextFile> = files
            .iter()
            .map(|(path, text)| TextFile { path: format!("c/src/{path}"), text: (*text).to_owned() })
            .collect();
        check("c/src/", &files)
    }

    #[test]
    fn two_files_that_import_each_other_are_a_circle() {
        let found = findings(&[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::B; pub struct A;"),
            ("b.rs", "use crate::a::A; pub struct B;"),
        ]);
        assert_eq!(found, ["c/src/: crate::a, crate::b import each other in a circle"]);
    }

    #[test]
    fn a_longer_circle_through_written_out_paths_and_super() {
        let found = findings(&[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "mod inner; fn f() { crate::b::g() }"),
            ("a/inner.rs", "fn h() { super::f() }"),
            ("b.rs", "fn g() { crate::a::inner::h() }"),
        ]);
        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[test]
    fn a_table_of_contents_is_no_import() {
        let found = findings(&[
            ("lib.rs", "mod message;"),
            ("message.rs", "mod a; mod b; pub use a::A; pub use b::B;"),
            ("message/a.rs", "use crate::message::B; pub struct A;"),
            ("message/b.rs", "pub struct B;"),
        ]);
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn a_re_export_leads_to_where_the_item_stands() {
        let found = findings(&[
            ("lib.rs", "mod message;"),
            ("message.rs", "mod a; mod b; pub use a::A; pub use b::B;"),
            ("message/a.rs", "use super::B; pub struct A;"),
            ("message/b.rs", "use super::A; pub struct B;"),
        ]);
        assert_eq!(found, ["c/src/: crate::message::a, crate::message::b import each other in a circle"]);
    }

    #[test]
    fn what_only_tests_import_is_free() {
        let found = findings(&[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::B; pub struct A;"),
            ("b.rs", "pub struct B; #[cfg(test)] mod tests { use crate::a::A; }"),
        ]);
        assert_eq!(found, [""; 0]);
    }
}
