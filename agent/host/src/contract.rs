//! The WIT of `plugin-api`, as wasmtime's side of it, and which of its names this agent offers.

use crate::{
    error::HostError,
    inspect::Inspection,
    manifest::{API, Manifest},
};

/// The imports and the types all worlds share.
pub(crate) mod base {
    wasmtime::component::bindgen!({
        path: "../../plugin-api/wit",
        world: "base",
        imports: { "trayphone:plugin/http.fetch": async | trappable, default: trappable },
    });
}

/// The export `lookup`.
pub(crate) mod lookup {
    wasmtime::component::bindgen!({
        path: "../../plugin-api/wit",
        world: "caller-lookup",
        exports: { default: async },
        with: { "trayphone:plugin": super::base::trayphone::plugin },
        require_store_data_send: true,
    });
}

/// The export `actions`.
pub(crate) mod actions {
    wasmtime::component::bindgen!({
        path: "../../plugin-api/wit",
        world: "call-actions",
        exports: { default: async },
        with: { "trayphone:plugin": super::base::trayphone::plugin },
        require_store_data_send: true,
    });
}

pub(crate) use actions::exports::trayphone::plugin::actions as acts;
pub(crate) use base::trayphone::plugin::{http, log, settings, types};

const PACKAGE: &str = "trayphone:plugin/";
const IMPORTS: [&str; 4] = ["types", "log", "http", "settings"];

/// Holds what a component asks for and offers against what there is and what its manifest says.
pub(crate) fn check(found: &Inspection, manifest: &Manifest) -> Result<(), HostError> {
    let alien: Vec<&str> = found.imports.iter().filter(|name| !offered(name)).map(String::as_str).collect();
    if let Some(version) = alien.iter().find_map(|name| other_version(name)) {
        return Err(HostError::Version { theirs: version.to_owned(), ours: API });
    }
    if !alien.is_empty() {
        return Err(HostError::Imports(alien.join(", ")));
    }
    for (provided, name) in [(manifest.provides.lookup, "lookup"), (manifest.provides.actions, "actions")] {
        let exported =
            found.exports.iter().find(|export| interface(export).is_some_and(|(it, _)| it == name));
        match exported {
            None if provided => return Err(HostError::Exports(name.to_owned())),
            Some(export) if provided && !same_track(export) => {
                let theirs = interface(export).map_or_else(String::new, |(_, version)| version.to_owned());
                return Err(HostError::Version { theirs, ours: API });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Interface and version of a name in our package.
fn interface(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix(PACKAGE)?.split_once('@')
}

/// Within 0.1 only additions are made, so that any 0.1.x links.
fn same_track(name: &str) -> bool {
    interface(name)
        .is_some_and(|(_, version)| version.strip_prefix(API).is_some_and(|rest| rest.starts_with('.')))
}

fn offered(name: &str) -> bool {
    same_track(name) && interface(name).is_some_and(|(it, _)| IMPORTS.contains(&it))
}

fn other_version(name: &str) -> Option<&str> {
    interface(name).filter(|(it, _)| IMPORTS.contains(it) && !same_track(name)).map(|(_, version)| version)
}
