//! Who may touch the world: sockets are opened by agent-net alone, what is pure names nothing of the system.
//!
//! It reads names: what a `use` or a written-out path says, in macros too. What a test does is free, and so is a socket
//! between programs of one computer (the local API's), which never leaves it.

use std::collections::BTreeMap;

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Attribute, Item, ItemUse, Macro,
    visit::{self, Visit},
};

use crate::{
    Finding,
    uses::{Leaf, leaves},
};

/// Names that some files may not use.
struct Ban {
    /// Where it holds: beginnings of paths.
    within: &'static [&'static str],
    /// Where it does not, inside of that.
    except: &'static [&'static str],
    /// What is banned: names that follow each other in a path.
    names: &'static [&'static str],
    why: &'static str,
}

const BANS: &[Ban] = &[
    Ban {
        within: &["agent/"],
        except: &["agent/net/", "agent/exchange/"],
        names: &[
            "TcpStream::connect",
            "TcpStream::connect_timeout",
            "TcpListener::bind",
            "UdpSocket::bind",
            "TcpSocket::new_v4",
            "TcpSocket::new_v6",
            "socket2::Socket",
            "libc::socket",
        ],
        why: "agent-net opens every socket: ask a `Net` for it, so that it stands in the ledger",
    },
    Ban {
        within: &["agent/core/"],
        except: &[],
        names: &[
            "TcpStream",
            "TcpListener",
            "UdpSocket",
            "std::fs",
            "std::io",
            "std::thread",
            "std::process",
            "std::env",
            "std::os",
            "Instant::now",
            "SystemTime::now",
            "HashMap",
            "HashSet",
            "tokio",
        ],
        why: "the core is pure: what it needs comes through the door",
    },
    Ban {
        within: &["agent/sip/"],
        except: &["agent/sip/src/transport.rs", "agent/sip/src/transport/", "agent/sip/src/handle.rs"],
        names: &[
            "TcpStream",
            "TcpListener",
            "UdpSocket",
            "std::fs",
            "std::thread",
            "std::process",
            "std::env",
            "Instant::now",
            "SystemTime::now",
            "agent_net",
            "tokio",
        ],
        why: "SIP is sans-IO: sockets and the clock are the business of transport.rs and handle.rs",
    },
    Ban {
        within: &["agent/src/"],
        // registers once, beside no agent, and waits for the outcome itself
        except: &["agent/src/commands/once.rs"],
        names: &[
            "agent_sip::start",
            "agent_media::start",
            "agent_host::start",
            "agent_store::start",
            "Vigil::unwatched",
        ],
        why: "each neighbour carries a `Vigil`: `start_watched`",
    },
];

/// Holds one Rust file of the program against the bans.
pub fn check(path: &str, text: &str) -> Vec<Finding> {
    let inside = |starts: &[&str]| starts.iter().any(|start| path.starts_with(start));
    let bans: Vec<&Ban> = BANS.iter().filter(|ban| inside(ban.within) && !inside(ban.except)).collect();
    let test = !path.contains("/src/") || path.ends_with("/tests.rs") || path.contains("/tests/");
    if bans.is_empty() || test {
        return Vec::new();
    }
    let Ok(file) = syn::parse_file(text) else { return vec![format!("{path}: not Rust")] };
    let mut names = Names::default();
    names.visit_file(&file);
    let mut findings = Vec::new();
    for ban in bans {
        for (used, line) in names.resolved() {
            if let Some(banned) = ban.names.iter().find(|banned| holds(&used, banned)) {
                findings.push(format!("{path}:{line}: `{banned}`: {}", ban.why));
            }
        }
    }
    findings
}

/// Whether the names of `banned` follow each other in `path`.
fn holds(path: &[String], banned: &str) -> bool {
    let banned: Vec<&str> = banned.split("::").collect();
    path.windows(banned.len()).any(|part| part.iter().zip(&banned).all(|(one, other)| one == other))
}

/// What a file names, outside of its tests.
#[derive(Default)]
struct Names {
    /// By the name it has here.
    imported: BTreeMap<String, Vec<String>>,
    /// Each path as written, and its line.
    used: Vec<(Vec<String>, usize)>,
}

impl Names {
    /// Each path with its first name as the `use` brought it in.
    fn resolved(&self) -> impl Iterator<Item = (Vec<String>, usize)> {
        self.used.iter().map(|(path, line)| {
            let start = path.first().and_then(|first| self.imported.get(first));
            let full = match start {
                Some(start) => start.iter().chain(&path[1..]).cloned().collect(),
                None => path.clone(),
            };
            (full, *line)
        })
    }

    /// The paths in what a macro is given, which is no Rust before the macro has run.
    fn tokens(&mut self, stream: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let (mut line, mut colons) = (0, 0);
        for token in stream {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.end(&mut path, line);
                        line = ident.span().start().line;
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.end(&mut path, line);
                    colons = 0;
                    self.tokens(group.stream());
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {
                    self.end(&mut path, line);
                    colons = 0;
                }
            }
        }
        self.end(&mut path, line);
    }

    fn end(&mut self, path: &mut Vec<String>, line: usize) {
        if !path.is_empty() {
            self.used.push((std::mem::take(path), line));
        }
    }
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item(&mut self, item: &'ast Item) {
        if !only_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let line = item.use_token.span.start().line;
        for Leaf { path, name, glob } in leaves(&item.tree) {
            if !glob {
                self.imported.insert(name, path.clone());
            }
            self.used.push((path, line));
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let line = path.segments.first().map_or(0, |first| first.ident.span().start().line);
        self.used.push((path.segments.iter().map(|segment| segment.ident.to_string()).collect(), line));
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.tokens(call.tokens.clone());
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Mod(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// `#[cfg(test)]`.
fn only_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|condition| condition == "test")
    })
}

#[cfg(test)]
mod tests {
    use super::check;

    fn count(path: &str, text: &str) -> usize {
        check(path, text).len()
    }

    #[test]
    fn a_socket_of_ones_own_is_found_however_it_is_called() {
        for text in [
            "fn f() { std::net::UdpSocket::bind(x); }",
            "use tokio::net::TcpListener; async fn f() { TcpListener::bind(x).await; }",
            "use std::net::TcpStream as Stream; fn f() { Stream::connect(x); }",
            "use tokio::net; fn f() { tokio::select! { s = net::TcpStream::connect(x) => s } }",
        ] {
            assert_eq!(count("agent/media/src/x.rs", text), 1, "{text}");
            assert_eq!(count("agent/net/src/x.rs", text), 0, "{text}");
            assert_eq!(count("agent/media/tests/x.rs", text), 0, "{text}");
        }
    }

    #[test]
    fn what_holds_a_socket_may_name_it() {
        let text = "use tokio::net::TcpStream; fn f(stream: TcpStream) { stream.set_nodelay(true); }";
        assert_eq!(count("agent/shell/src/x.rs", text), 0);
        assert_eq!(count("agent/sip/src/transport/tcp.rs", text), 0);
        assert_ne!(count("agent/sip/src/dialog.rs", text), 0, "but not where SIP is sans-IO");
    }

    #[test]
    fn the_core_has_no_clock_and_its_tests_have() {
        let clock = "fn f() { let now = Instant::now(); }";
        assert_eq!(count("agent/core/src/x.rs", &format!("use std::time::Instant; {clock}")), 1);
        assert_eq!(count("agent/sip/src/x.rs", &format!("use std::time::Instant; {clock}")), 1);
        let tests = format!("#[cfg(test)] mod tests {{ use std::time::Instant; {clock} }}");
        assert_eq!(count("agent/core/src/x.rs", &tests), 0);
        assert_eq!(count("agent/core/src/x/tests.rs", clock), 0);
    }

    #[test]
    fn a_neighbour_nobody_watches_is_found() {
        assert_eq!(count("agent/src/neighbours.rs", "fn f() { agent_sip::start(c, n, t); }"), 1);
        assert_eq!(count("agent/src/neighbours.rs", "fn f() { agent_sip::start_watched(c, n, t, v); }"), 0);
    }
}
