//! Who may import whom: a crate imports lower floors only, never a neighbour.

use serde_json::Value;

use crate::Finding;

/// Our crates, and what each may have as an ordinary dependency among them.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    (
        "trayphone",
        &[
            "agent-core",
            "agent-exchange",
            "agent-host",
            "agent-media",
            "agent-net",
            "agent-shell",
            "agent-sip",
            "agent-store",
        ],
    ),
    ("agent-exchange", &["agent-core", "agent-media", "agent-net", "agent-sip"]),
    ("agent-compile", &["agent-host"]),
    ("agent-sip", &["agent-core", "agent-net"]),
    ("agent-media", &["agent-core", "agent-net"]),
    ("agent-host", &["agent-core", "agent-net"]),
    ("agent-store", &["agent-core"]),
    ("agent-shell", &["agent-core"]),
    ("agent-net", &["agent-core"]),
    ("agent-core", &[]),
    ("plugin-api", &[]),
    ("installer", &[]),
];

/// Folders whose crates may import what their rule says: plugins the contract alone, tests anything.
const FOLDERS: &[(&str, Option<&[&str]>)] = &[("plugins/", Some(&["plugin-api"])), ("tests/", None)];

/// Outside crates that have one home, and that home.
const SOLE_HOMES: &[(&str, &[&str])] = &[
    ("wasmtime", &["agent-host", "agent-compile"]),
    ("rusqlite", &["agent-store"]),
    ("keyring-core", &["agent-store"]),
    ("cpal", &["agent-media"]),
    ("rustls", &["agent-net"]),
    ("hickory-resolver", &["agent-net"]),
    ("hyper", &["agent-net"]),
    ("tray-icon", &["agent-shell"]),
    ("notify-rust", &["agent-shell"]),
    ("arboard", &["agent-shell"]),
    ("clap", &["trayphone"]),
    ("tracing-subscriber", &["trayphone"]),
];

/// What the core may have from outside: nothing with I/O.
const CORE_FROM_OUTSIDE: &[&str] = &["thiserror", "serde", "rlibphonenumber", "prost"];

/// Holds `cargo metadata --no-deps` against the floors.
pub fn check(metadata: &Value, root: &str) -> Vec<Finding> {
    let packages: Vec<Package<'_>> =
        metadata["packages"].as_array().into_iter().flatten().filter_map(Package::of).collect();
    let ours: Vec<&str> = packages.iter().map(|package| package.name).collect();
    let mut findings = Vec::new();
    for package in &packages {
        let folder = package.manifest.strip_prefix(root).unwrap_or(package.manifest).trim_start_matches('/');
        match rule(package.name, folder) {
            None => findings.push(format!("{}: on no floor: give it one in tests/tidy", package.name)),
            Some(None) => {}
            Some(Some(allowed)) => {
                for import in package.imports.iter().filter(|import| ours.contains(import)) {
                    if !allowed.contains(import) {
                        findings.push(format!("{} imports {import}, which is not below it", package.name));
                    }
                }
            }
        }
        findings.extend(outside(package, folder, &ours));
    }
    findings
}

/// `Some(None)`: anything; `None`: the crate is unknown.
fn rule(name: &str, folder: &str) -> Option<Option<&'static [&'static str]>> {
    MAY_IMPORT
        .iter()
        .find(|(crate_name, _)| *crate_name == name)
        .map(|(_, allowed)| Some(*allowed))
        .or_else(|| FOLDERS.iter().find(|(start, _)| folder.starts_with(start)).map(|(_, allowed)| *allowed))
}

fn outside(package: &Package<'_>, folder: &str, ours: &[&str]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for import in package.imports.iter().filter(|import| !ours.contains(import)) {
        let home = SOLE_HOMES.iter().find(|(guest, _)| guest == import);
        if let Some((_, homes)) = home
            && !homes.contains(&package.name)
            && !folder.starts_with("tests/")
        {
            findings.push(format!("{} imports {import}, whose home is {}", package.name, homes.join(" or ")));
        }
        if package.name == "agent-core" && !CORE_FROM_OUTSIDE.contains(import) {
            findings.push(format!("agent-core imports {import}: the core has nothing with I/O"));
        }
    }
    findings
}

struct Package<'a> {
    name: &'a str,
    manifest: &'a str,
    /// Its ordinary dependencies; what its tests and build scripts use does not end up in the program.
    imports: Vec<&'a str>,
}

impl<'a> Package<'a> {
    fn of(value: &'a Value) -> Option<Self> {
        let imports = value["dependencies"]
            .as_array()?
            .iter()
            .filter(|dependency| dependency["kind"].is_null())
            .filter_map(|dependency| dependency["name"].as_str())
            .collect();
        Some(Self { name: value["name"].as_str()?, manifest: value["manifest_path"].as_str()?, imports })
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use serde_json::{Value, json};

    fn package(name: &str, folder: &str, imports: &[&str]) -> Value {
        let dependencies: Vec<Value> =
            imports.iter().map(|import| json!({ "name": import, "kind": null })).collect();
        json!({ "name": name, "manifest_path": format!("/r/{folder}/Cargo.toml"), "dependencies": dependencies })
    }

    fn findings(packages: &[Value]) -> Vec<String> {
        check(&json!({ "packages": packages }), "/r")
    }

    #[test]
    fn lower_floors_may_be_imported() {
        let packages = [
            package("agent-core", "agent/core", &["thiserror"]),
            package("agent-net", "agent/net", &["agent-core", "rustls"]),
            package("agent-sip", "agent/sip", &["agent-core", "agent-net"]),
            package("harness", "tests/harness", &["agent-sip", "wasmtime"]),
        ];
        assert_eq!(findings(&packages), [""; 0]);
    }

    #[test]
    fn a_neighbour_may_not() {
        let packages =
            [package("agent-sip", "agent/sip", &["agent-media"]), package("agent-media", "agent/media", &[])];
        assert_eq!(findings(&packages), ["agent-sip imports agent-media, which is not below it"]);
    }

    #[test]
    fn a_plugin_knows_the_contract_alone() {
        let packages = [package("x", "plugins/x", &["agent-core"]), package("agent-core", "agent/core", &[])];
        assert_eq!(findings(&packages).len(), 1);
    }

    #[test]
    fn a_crate_without_a_floor_is_named() {
        assert!(findings(&[package("agent-new", "agent/new", &[])])[0].contains("on no floor"));
    }

    #[test]
    fn heavy_guests_stay_at_home_and_the_core_stays_pure() {
        assert!(
            findings(&[package("agent-sip", "agent/sip", &["rustls"])])[0]
                .contains("whose home is agent-net")
        );
        assert!(findings(&[package("agent-core", "agent/core", &["tokio"])])[0].contains("nothing with I/O"));
    }

    #[test]
    fn what_only_tests_use_is_free() {
        let mut core = package("agent-core", "agent/core", &["proptest"]);
        core["dependencies"][0]["kind"] = json!("dev");
        assert_eq!(findings(&[core]), [""; 0]);
    }
}
