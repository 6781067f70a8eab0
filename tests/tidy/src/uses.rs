//! What a `use` brings in, one name at a time.

use syn::UseTree;

/// One name of a `use`.
pub(crate) struct Leaf {
    /// Where it stands, itself included; of a glob the folder.
    pub(crate) path: Vec<String>,
    /// What it is called here; empty for a glob.
    pub(crate) name: String,
    /// `*`.
    pub(crate) glob: bool,
}

/// Every name of one `use`.
pub(crate) fn leaves(tree: &UseTree) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    flatten(tree, &mut Vec::new(), &mut leaves);
    leaves
}

fn flatten(tree: &UseTree, before: &mut Vec<String>, leaves: &mut Vec<Leaf>) {
    match tree {
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            flatten(&path.tree, before, leaves);
            before.pop();
        }
        UseTree::Group(group) => group.items.iter().for_each(|tree| flatten(tree, before, leaves)),
        UseTree::Glob(_) => leaves.push(Leaf { path: before.clone(), name: String::new(), glob: true }),
        UseTree::Name(name) if name.ident == "self" => {
            let name = before.last().cloned().unwrap_or_default();
            leaves.push(Leaf { path: before.clone(), name, glob: false });
        }
        UseTree::Name(name) => leaf(before, &name.ident.to_string(), name.ident.to_string(), leaves),
        UseTree::Rename(rename) => leaf(before, &rename.ident.to_string(), rename.rename.to_string(), leaves),
    }
}

fn leaf(before: &[String], last: &str, name: String, leaves: &mut Vec<Leaf>) {
    let mut path = before.to_vec();
    path.push(last.to_owned());
    leaves.push(Leaf { path, name, glob: false });
}
