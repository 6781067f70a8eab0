//! Every setting stands in three places that say the same: the types, the default file, and the README's table.

use std::collections::{BTreeMap, BTreeSet};

use syn::{Fields, Item, ItemStruct, Type};

use crate::Finding;

/// The line of the README after which the table stands.
pub const MARKER: &str = "<!-- settings table -->";

/// A setting as the default file shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Setting {
    /// `audio.backend`.
    key: String,
    /// As written: `"device"`.
    value: String,
    /// What the comment says.
    comment: String,
}

/// Holds the three against each other.
pub fn check(types: &str, default_file: &str, readme: &str) -> Vec<Finding> {
    let settings = settings(default_file);
    let in_file: BTreeSet<String> = settings.iter().map(|setting| setting.key.clone()).collect();
    let in_types = match keys(types) {
        Ok(keys) => keys,
        Err(error) => return vec![error],
    };
    let mut findings: Vec<Finding> = in_types
        .difference(&in_file)
        .map(|key| format!("the default file does not show `{key}`"))
        .chain(
            in_file
                .difference(&in_types)
                .map(|key| format!("the default file shows `{key}`, which is no setting")),
        )
        .collect();
    let table = table(&settings);
    if !readme.contains(&format!("{MARKER}\n{table}")) {
        findings.push(format!("README.md: behind `{MARKER}` this table must stand:\n{table}"));
    }
    findings
}

/// `# key = value   # comment` below `# [section]`, as the default file has them, all of them comments.
fn settings(default_file: &str) -> Vec<Setting> {
    let mut section = String::new();
    let mut settings = Vec::new();
    for line in default_file.lines().filter_map(|line| line.strip_prefix("# ")) {
        if line.starts_with('[') {
            section = line.trim_start_matches('[').split(']').next().unwrap_or_default().to_owned();
        } else if let Some((key, rest)) = line.split_once(" = ")
            && key.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        {
            let (value, comment) = split_comment(rest);
            let key = if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") };
            settings.push(Setting { key, value: value.to_owned(), comment: comment.to_owned() });
        }
    }
    settings
}

/// A `#` inside quotes is none.
fn split_comment(text: &str) -> (&str, &str) {
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '#' if !quoted => return (text[..at].trim(), text[at + 1..].trim()),
            _ => {}
        }
    }
    (text.trim(), "")
}

fn table(settings: &[Setting]) -> String {
    let mut table = "| setting | in the default file | |\n|---|---|---|\n".to_owned();
    for Setting { key, value, comment } in settings {
        table.push_str(&format!("| `{key}` | `{value}` | {} |\n", comment.replace('|', "\\|")));
    }
    table
}

/// The keys the settings' types have, from the struct `Settings` down.
fn keys(types: &str) -> Result<BTreeSet<String>, Finding> {
    let file = syn::parse_file(types).map_err(|error| format!("the settings' types: {error}"))?;
    let structs: BTreeMap<String, &ItemStruct> = file
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Struct(item) => Some((item.ident.to_string(), item)),
            _ => None,
        })
        .collect();
    let mut keys = BTreeSet::new();
    let root = structs.get("Settings").ok_or("the settings' types: no struct `Settings`")?;
    for (name, kind) in fields(root) {
        match structs.get(&kind) {
            Some(section) => keys.extend(fields(section).into_iter().map(|(key, _)| format!("{name}.{key}"))),
            None => {
                keys.insert(name);
            }
        }
    }
    Ok(keys)
}

/// Each field by the name the file knows, and its type (what a `Vec` or an `Option` holds).
fn fields(item: &ItemStruct) -> Vec<(String, String)> {
    let Fields::Named(named) = &item.fields else { return Vec::new() };
    named
        .named
        .iter()
        .filter_map(|field| {
            let name = renamed(field).or_else(|| field.ident.as_ref().map(ToString::to_string))?;
            Some((name, innermost(&field.ty)))
        })
        .collect()
}

/// The `x` of `#[serde(rename = "x")]`.
fn renamed(field: &syn::Field) -> Option<String> {
    field.attrs.iter().filter(|attribute| attribute.path().is_ident("serde")).find_map(|attribute| {
        let mut name = None;
        // What else serde is told there is not ours to understand.
        let _ = attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("rename") {
                name = Some(meta.value()?.parse::<syn::LitStr>()?.value());
            } else if meta.input.peek(syn::Token![=]) {
                meta.value()?.parse::<syn::Expr>()?;
            }
            Ok(())
        });
        name
    })
}

fn innermost(kind: &Type) -> String {
    let Type::Path(path) = kind else { return String::new() };
    let Some(last) = path.path.segments.last() else { return String::new() };
    if let syn::PathArguments::AngleBracketed(arguments) = &last.arguments
        && let Some(syn::GenericArgument::Type(inner)) = arguments.args.first()
    {
        return innermost(inner);
    }
    last.ident.to_string()
}

#[cfg(test)]
mod tests {
    use super::{MARKER, check};

    const TYPES: &str = "pub struct Settings {
        pub language: Language,
        #[serde(rename = \"account\", skip_serializing_if = \"Vec::is_empty\")]
        pub accounts: Vec<Account>,
    }
    pub struct Account { pub aor: String, pub username: Option<String> }";
    const FILE: &str = "# A file.\n# language = \"auto\"   # or \"de\"\n# [[account]]\n# aor = \"sip:#\"\n# username = \"1\"\n";
    const TABLE: &str = "| setting | in the default file | |\n|---|---|---|\n\
        | `language` | `\"auto\"` | or \"de\" |\n\
        | `account.aor` | `\"sip:#\"` |  |\n\
        | `account.username` | `\"1\"` |  |\n";

    #[test]
    fn three_that_agree() {
        assert_eq!(check(TYPES, FILE, &format!("{MARKER}\n{TABLE}")), [""; 0]);
    }

    #[test]
    fn a_setting_nobody_shows_is_found() {
        let types = TYPES.replace("pub aor: String", "pub aor: String, pub port: u16");
        assert_eq!(
            check(&types, FILE, &format!("{MARKER}\n{TABLE}")),
            ["the default file does not show `account.port`"]
        );
    }

    #[test]
    fn a_setting_that_is_none_is_found() {
        let types = TYPES.replace("pub language: Language,", "");
        let findings = check(&types, FILE, &format!("{MARKER}\n{TABLE}"));
        assert_eq!(findings, ["the default file shows `language`, which is no setting"]);
    }

    #[test]
    fn a_readme_that_says_something_else_is_found() {
        let readme = format!("{MARKER}\n{}", TABLE.replace("or \"de\"", "or \"en\""));
        assert!(check(TYPES, FILE, &readme)[0].contains("this table must stand"));
    }
}
