//! This tree, held against the house rules.

use std::{env, process::Command};

use tidy::{
    Finding, circles, doors, exits, floors, logs, manifest, places, queues, settings, shape,
    tree::{TextFile, at, files, root, rust},
    wit,
};

/// Folders whose `src/` is one crate's files, by its manifest.
fn crates(files: &[TextFile]) -> Vec<String> {
    files.iter().filter_map(|file| Some(format!("{}src/", file.path.strip_suffix("Cargo.toml")?))).collect()
}

fn none(findings: &[Finding]) {
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
}

#[test]
fn crates_import_lower_floors_only() {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let metadata = serde_json::from_slice(&output.stdout).expect("cargo describes the workspace");
    none(&floors::check(&metadata, &root().to_string_lossy()));
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let files = files();
    let findings: Vec<Finding> =
        crates(&files).iter().flat_map(|folder| circles::check(folder, &files)).collect();
    none(&findings);
}

#[test]
fn files_have_the_shape_of_the_house() {
    let files = files();
    let findings: Vec<Finding> = rust(&files).flat_map(|file| shape::check(&file.path, &file.text)).collect();
    none(&findings);
}

#[test]
fn sockets_clocks_and_files_stay_behind_their_doors() {
    let files = files();
    let findings: Vec<Finding> = rust(&files).flat_map(|file| doors::check(&file.path, &file.text)).collect();
    none(&findings);
}

#[test]
fn what_has_no_bound_says_what_caps_it() {
    let files = files();
    let findings: Vec<Finding> =
        rust(&files).flat_map(|file| queues::check(&file.path, &file.text)).collect();
    none(&findings);
}

#[test]
fn logs_above_debug_name_nobody() {
    let files = files();
    let findings: Vec<Finding> = rust(&files)
        .filter(|file| file.path.starts_with("agent/"))
        .flat_map(|file| logs::check(&file.path, &file.text))
        .collect();
    none(&findings);
}

#[test]
fn manifests_list_members_and_ban_with_reasons() {
    let files = files();
    let text = |path: &str| &at(&files, path).unwrap_or_else(|| panic!("no {path}")).text;
    let mut findings = manifest::members(text("Cargo.toml"));
    findings.extend(manifest::bans(text("deny.toml")));
    for file in files.iter().filter(|file| file.path.ends_with("Cargo.toml")) {
        findings.extend(manifest::features(&file.path, &file.text));
    }
    none(&findings);
}

#[test]
fn nothing_names_a_place_of_one_machine() {
    let findings: Vec<Finding> =
        files().iter().flat_map(|file| places::check(&file.path, &file.text)).collect();
    none(&findings);
}

#[test]
fn settings_are_the_same_in_types_default_file_and_readme() {
    let files = files();
    let text = |path: &str| &at(&files, path).unwrap_or_else(|| panic!("no {path}")).text;
    none(&settings::check(
        text("agent/core/src/settings.rs"),
        text("agent/store/src/settings/default.toml"),
        text("README.md"),
    ));
}

#[test]
fn exit_codes_are_the_same_in_program_and_readme() {
    let files = files();
    let text = |path: &str| &at(&files, path).unwrap_or_else(|| panic!("no {path}")).text;
    none(&exits::check(text("agent/src/exit.rs"), text("README.md")));
}

#[test]
fn the_plugin_contract_changes_with_its_version_only() {
    let files = files();
    let contract: Vec<TextFile> = files
        .iter()
        .filter(|file| file.path.starts_with("plugin-api/wit/") && file.path.ends_with(".wit"))
        .cloned()
        .collect();
    none(&wit::check(&contract, at(&files, "plugin-api/wit.lock").map(|file| file.text.as_str())));
}

#[test]
fn the_toolchain_file_names_the_channel_alone() {
    let files = files();
    let toolchain = at(&files, "rust-toolchain.toml").expect("the toolchain is pinned");
    assert_eq!(toolchain.text, "[toolchain]\nchannel = \"1.95.0\"\n");
}
