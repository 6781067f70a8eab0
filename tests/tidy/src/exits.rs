//! The exit codes stand in three places that say the same: the enum, its table of meanings, and the README.

use std::collections::BTreeMap;

use syn::{
    Expr, ExprLit, Item, Lit,
    visit::{self, Visit},
};

use crate::Finding;

/// Holds the README against `exit.rs`.
pub fn check(source: &str, readme: &str) -> Vec<Finding> {
    let file = match syn::parse_file(source) {
        Ok(file) => file,
        Err(error) => return vec![format!("the exit codes: {error}")],
    };
    let codes = codes(&file);
    let mut meanings = Meanings::default();
    meanings.visit_file(&file);
    let mut findings: Vec<Finding> = codes
        .keys()
        .filter(|name| !meanings.0.iter().any(|(named, _)| named == *name))
        .map(|name| format!("the exit code `{name}` has no meaning in its table"))
        .collect();
    let mut table = "| exit code | meaning |\n|---|---|\n".to_owned();
    for (name, meaning) in &meanings.0 {
        match codes.get(name) {
            Some(code) => table.push_str(&format!("| {code} | {meaning} |\n")),
            None => findings.push(format!("the exit code `{name}` has no number")),
        }
    }
    let whole = readme.split_once(&table).is_some_and(|(_, rest)| !rest.starts_with('|'));
    if codes.is_empty() || !whole {
        findings.push(format!("README.md: this table must stand, and no row more:\n{table}"));
    }
    findings
}

/// The numbers of the enum `Exit`.
fn codes(file: &syn::File) -> BTreeMap<String, String> {
    let exit = file.items.iter().find_map(|item| match item {
        Item::Enum(item) if item.ident == "Exit" => Some(item),
        _ => None,
    });
    exit.into_iter()
        .flat_map(|exit| &exit.variants)
        .filter_map(|variant| match &variant.discriminant {
            Some((_, Expr::Lit(ExprLit { lit: Lit::Int(number), .. }))) => {
                Some((variant.ident.to_string(), number.base10_digits().to_owned()))
            }
            _ => None,
        })
        .collect()
}

/// Every pair `(Self::Name, "meaning")`, in order.
#[derive(Default)]
struct Meanings(Vec<(String, String)>);

impl<'ast> Visit<'ast> for Meanings {
    fn visit_expr_tuple(&mut self, tuple: &'ast syn::ExprTuple) {
        let parts: Vec<&Expr> = tuple.elems.iter().collect();
        if let [Expr::Path(name), Expr::Lit(ExprLit { lit: Lit::Str(meaning), .. })] = parts[..]
            && let Some(name) = name.path.segments.last()
        {
            self.0.push((name.ident.to_string(), meaning.value()));
        }
        visit::visit_expr_tuple(self, tuple);
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    const SOURCE: &str = "enum Exit { Ok = 0, Failed = 1 }
    impl Exit { const TABLE: [(Self, &'static str); 2] = [(Self::Ok, \"done\"), (Self::Failed, \"failed\")]; }";
    const README: &str =
        "Words.\n\n| exit code | meaning |\n|---|---|\n| 0 | done |\n| 1 | failed |\n\nMore.\n";

    #[test]
    fn three_that_agree() {
        assert_eq!(check(SOURCE, README), [""; 0]);
    }

    #[test]
    fn another_number_another_meaning_and_a_row_too_many_are_found() {
        assert_eq!(check(&SOURCE.replace("= 1", "= 7"), README).len(), 1);
        assert_eq!(check(SOURCE, &README.replace("failed", "broken")).len(), 1);
        assert_eq!(check(SOURCE, &README.replace("\n\nMore", "\n| 2 | more |\n\nMore")).len(), 1);
    }

    #[test]
    fn a_code_without_a_meaning_is_found() {
        let findings = check(&SOURCE.replace("Failed = 1 }", "Failed = 1, Usage = 2 }"), README);
        assert_eq!(findings, ["the exit code `Usage` has no meaning in its table"]);
    }
}
