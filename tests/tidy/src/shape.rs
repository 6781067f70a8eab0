//! How a Rust file may look: its first sentence, its size, and the words that have no place in it.

use proc_macro2::{TokenStream, TokenTree};
use std::str::FromStr;
use syn::{
    Attribute, Block, ItemEnum, ItemMod, Meta, Signature,
    spanned::Spanned,
    visit::{self, Visit},
};

use crate::Finding;

/// Lines of code in a file, without comments, empty lines and its test module.
const FILE_LINES: usize = 500;
/// Lines of code in a file with its test module.
const FILE_LINES_WITH_TESTS: usize = 800;
/// Lines of code in a function.
const FUNCTION_LINES: usize = 60;
/// Variants of an enum.
const VARIANTS: usize = 16;
/// Parameters of a function, `self` included.
const PARAMETERS: usize = 6;
/// Files that may ask which system they are compiled for; so may the file that declares one of them as its module.
const PLATFORMS: [&str; 3] = ["linux", "windows", "macos"];

/// Everything this module looks at, for one file.
pub fn check(path: &str, text: &str) -> Vec<Finding> {
    let file = match syn::parse_file(text) {
        Ok(file) => file,
        Err(error) => return vec![format!("{path}: not Rust: {error}")],
    };
    let mut findings = first_sentence(path, text);
    findings.extend(words(path, text));
    let lines: Vec<&str> = text.lines().collect();
    let mut look =
        Look { path, lines: &lines, findings, tests: Vec::new(), platform: may_ask_platform(path, &file) };
    look.visit_file(&file);
    let Look { mut findings, tests, .. } = look;
    let all = code_lines(&lines);
    let tests: usize = tests.into_iter().map(|(first, last)| code_lines(&lines[first..last])).sum();
    if all - tests > FILE_LINES && !is_test(path) {
        findings.push(format!(
            "{path}: {} lines of code, at most {FILE_LINES}: split it by subject",
            all - tests
        ));
    }
    if all > FILE_LINES_WITH_TESTS {
        findings.push(format!(
            "{path}: {all} lines with its tests, at most {FILE_LINES_WITH_TESTS}: give the tests a file"
        ));
    }
    findings
}

/// The file opens with `//! ` and a sentence.
fn first_sentence(path: &str, text: &str) -> Vec<Finding> {
    let paragraph: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("//! ")).collect();
    let sentence = paragraph.join(" ");
    let ends = sentence.contains(". ") || sentence.trim_end().ends_with(['.', ':']);
    if sentence.split_whitespace().count() >= 3 && ends {
        Vec::new()
    } else {
        vec![format!("{path}:1: open with one sentence (`//! …`) that says what lives here")]
    }
}

/// Macros that mark work undone, wherever they stand, also inside other macros.
fn words(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Ok(stream) = TokenStream::from_str(text) {
        undone(path, stream, &mut findings);
    }
    findings
}

fn undone(path: &str, stream: TokenStream, findings: &mut Vec<Finding>) {
    let mut tokens = stream.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Group(group) => undone(path, group.stream(), findings),
            TokenTree::Ident(ident) => {
                let bang = matches!(tokens.peek(), Some(TokenTree::Punct(punct)) if punct.as_char() == '!');
                let line = ident.span().start().line;
                if bang && ["todo", "unimplemented", "dbg"].iter().any(|word| ident == word) {
                    findings.push(format!("{path}:{line}: `{ident}!` is work undone"));
                }
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

/// Named after a platform, or the parent of such a file; or a test, which knows what each platform does.
fn may_ask_platform(path: &str, file: &syn::File) -> bool {
    let stem = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".rs");
    is_test(path)
        || PLATFORMS.contains(&stem)
        || file.items.iter().any(|item| match item {
            syn::Item::Mod(module) => PLATFORMS.iter().any(|platform| module.ident == platform),
            _ => false,
        })
}

/// A file that holds nothing but tests.
fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs")
        || path.split('/').rev().skip(1).any(|folder| folder == "tests") && !path.contains("/src/")
}

/// Lines that are neither empty nor only a comment.
fn code_lines(lines: &[&str]) -> usize {
    lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

struct Look<'a> {
    path: &'a str,
    lines: &'a [&'a str],
    findings: Vec<Finding>,
    /// First and last line (from 0, the last excluded) of the test modules.
    tests: Vec<(usize, usize)>,
    platform: bool,
}

impl Look<'_> {
    fn find(&mut self, at: &impl Spanned, what: &str) {
        self.findings.push(format!("{}:{}: {what}", self.path, at.span().start().line));
    }

    /// What somebody else's interface dictates may be expected, with a reason; a foreign function is theirs anyway.
    fn parameters(&mut self, signature: &Signature, attributes: &[Attribute]) {
        let expected = attributes.iter().any(|attribute| {
            attribute.path().is_ident("expect") && contains(&attribute.meta, "too_many_arguments")
        });
        let count = signature.inputs.len();
        if count > PARAMETERS && !expected {
            let what = format!("`{}` takes {count} parameters, at most {PARAMETERS}", signature.ident);
            self.find(&signature.ident, &what);
        }
    }

    fn body(&mut self, name: &Signature, block: &Block) {
        let (first, last) = (block.span().start().line, block.span().end().line);
        // between the braces, as clippy counts
        let lines = if last > first { code_lines(&self.lines[first..last - 1]) } else { 0 };
        if lines > FUNCTION_LINES {
            let what = format!("`{}` has {lines} lines of code, at most {FUNCTION_LINES}", name.ident);
            self.find(&name.ident, &what);
        }
    }
}

impl<'ast> Visit<'ast> for Look<'_> {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if module.content.is_some() && module.attrs.iter().any(is_cfg_test) {
            self.tests.push((module.span().start().line - 1, module.span().end().line));
        }
        visit::visit_item_mod(self, module);
    }

    fn visit_item_enum(&mut self, item: &'ast ItemEnum) {
        if item.variants.len() > VARIANTS {
            let what = format!("`{}` has {} variants, at most {VARIANTS}", item.ident, item.variants.len());
            self.find(&item.ident, &what);
        }
        visit::visit_item_enum(self, item);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.body(&item.sig, &item.block);
        self.parameters(&item.sig, &item.attrs);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.body(&item.sig, &item.block);
        self.parameters(&item.sig, &item.attrs);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.parameters(&item.sig, &item.attrs);
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        let path = attribute.path();
        if path.is_ident("allow") {
            self.find(attribute, "`#[allow]` hides; write `#[expect(lint, reason = \"…\")]`");
        }
        if path.is_ident("expect") && !contains(&attribute.meta, "reason") {
            self.find(attribute, "`#[expect]` without a reason");
        }
        if (path.is_ident("cfg") || path.is_ident("cfg_attr"))
            && contains(&attribute.meta, "target_os")
            && !self.platform
        {
            self.find(
                attribute,
                "`cfg(target_os)` belongs into linux.rs, windows.rs, macos.rs or their parent",
            );
        }
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        if call.path.is_ident("cfg") && has_ident(call.tokens.clone(), "target_os") && !self.platform {
            self.find(call, "`cfg!(target_os)` belongs into linux.rs, windows.rs, macos.rs or their parent");
        }
        visit::visit_macro(self, call);
    }
}

fn is_cfg_test(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg") && contains(&attribute.meta, "test")
}

fn contains(meta: &Meta, word: &str) -> bool {
    matches!(meta, Meta::List(list) if has_ident(list.tokens.clone(), word))
}

fn has_ident(stream: TokenStream, word: &str) -> bool {
    stream.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == word,
        TokenTree::Group(group) => has_ident(group.stream(), word),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use super::check;

    /// What the rules say about a file that is in order but for `code`.
    fn findings(code: &str) -> Vec<String> {
        check("agent/src/x.rs", &format!("//! A file that holds an example.\n\n{code}"))
    }

    fn only(code: &str, what: &str) {
        let findings = findings(code);
        assert!(findings.len() == 1 && findings[0].contains(what), "{findings:?}");
    }

    #[test]
    fn a_file_in_order_is_left_alone() {
        assert_eq!(findings("/// Adds.\npub fn add(a: u8, b: u8) -> u8 { a + b }\n"), [""; 0]);
    }

    #[test]
    fn a_file_opens_with_a_sentence() {
        for text in ["", "fn f() {}", "//! Code\nfn f() {}", "// Comments are no documentation.\nfn f() {}"] {
            assert_eq!(check("a.rs", text).len(), 1, "{text}");
        }
    }

    #[test]
    fn sizes_have_limits() {
        let lines = |count: usize| "    f();\n".repeat(count);
        assert!(findings(&format!("fn f() {{\n{}}}\n", lines(60))).is_empty());
        only(&format!("fn f() {{\n{}}}\n", lines(61)), "`f` has 61 lines");
        only(&format!("impl X {{ fn f() {{\n{}}} }}\n", lines(61)), "`f` has 61 lines");
        let items = |count: usize| "const A: u8 = 0;\n".repeat(count);
        assert!(findings(&items(500)).is_empty());
        only(&items(501), "501 lines of code");
        assert!(check("agent/core/tests/a.rs", &format!("//! Tests are long.\n{}", items(501))).is_empty());
        assert!(
            !check("tests/harness/src/a.rs", &format!("//! This is no test.\n{}", items(501))).is_empty()
        );
        let tests = |count| format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", items(400), items(count));
        assert!(findings(&tests(397)).is_empty(), "{:?}", findings(&tests(397)));
        only(&tests(398), "with its tests");
        let variants = |count: usize| (0..count).map(|n| format!("V{n},")).collect::<String>();
        assert!(findings(&format!("enum E {{ {} }}", variants(16))).is_empty());
        only(&format!("enum E {{ {} }}", variants(17)), "`E` has 17 variants");
        let seven = "fn f(a: u8, b: u8, c: u8, d: u8, e: u8, g: u8, h: u8)";
        only(&format!("{seven} {{}}"), "`f` takes 7 parameters");
        only(&format!("trait T {{ {seven}; }}"), "`f` takes 7 parameters");
        let expected = "#[expect(clippy::too_many_arguments, reason = \"the interface is theirs\")]";
        assert!(findings(&format!("{expected}\n{seven} {{}}")).is_empty());
        assert!(findings(&format!("extern \"C\" {{ {seven}; }}")).is_empty());
    }

    #[test]
    fn comments_and_empty_lines_are_free() {
        assert!(findings(&format!("fn f() {{\n{}}}\n", "    // why\n\n".repeat(100))).is_empty());
    }

    #[test]
    fn undone_work_is_found_also_inside_macros() {
        only("fn f() { todo!() }", "`todo!`");
        only("fn f() { assert_eq!(1, dbg!(1)); }", "`dbg!`");
        only("fn f() { match 1 { _ => unimplemented!() } }", "`unimplemented!`");
        assert!(findings("/// Not `todo!()`.\nfn todo() -> bool { todo() }").is_empty());
    }

    #[test]
    fn lints_are_expected_with_a_reason_and_never_allowed() {
        only("#[allow(dead_code)]\nfn f() {}", "#[allow]");
        only("#[expect(dead_code)]\nfn f() {}", "without a reason");
        assert!(findings("#[expect(dead_code, reason = \"shown to the reader\")]\nfn f() {}").is_empty());
    }

    #[test]
    fn platforms_are_asked_in_their_own_files() {
        only("#[cfg(target_os = \"linux\")]\nfn f() {}", "target_os");
        only("fn f() -> bool { cfg!(target_os = \"macos\") }", "target_os");
        only("#[cfg_attr(not(any(target_os = \"macos\")), path = \"x.rs\")]\nmod x;", "target_os");
        let parent = "//! The parent of the platforms.\n#[cfg(target_os = \"linux\")]\nmod linux;\n";
        assert!(check("agent/src/platform.rs", parent).is_empty());
        let child = "//! What only Windows does so.\n#[cfg(target_os = \"windows\")]\nfn f() {}\n";
        assert!(check("agent/src/platform/windows.rs", child).is_empty());
    }
}
