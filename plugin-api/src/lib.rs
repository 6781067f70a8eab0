//! The plugin contract: what a plugin may ask of the agent, and what the agent asks of it.
//!
//! The contract itself is the WIT in `wit/` (package `trayphone:plugin`); this crate is its Rust side. A plugin is a
//! `cdylib` that implements [`Lookup`], [`Actions`] or both on a type, and names them to [`export!`]:
//!
//! ```
//! use plugin_api::{Call, Card, Error, Lookup, http, log};
//!
//! struct Plugin;
//!
//! impl Lookup for Plugin {
//!     fn find(call: Call) -> Result<Vec<Card>, Error> {
//!         let base = plugin_api::setting("base_url")?;
//!         let Some(number) = call.remote.e164 else { return Ok(Vec::new()) };
//!         let answer = http::Request::get(format!("{base}/people")).query("phone", &number).send()?;
//!         log::write(&log::Level::Debug, "the source has answered");
//!         let _body: &[u8] = answer.ok()?;
//!         Ok(Vec::new()) // a card for each person found
//!     }
//! }
//!
//! plugin_api::export!(Plugin: lookup);
//! ```
//!
//! It is built for `wasm32-unknown-unknown`, so nothing of WASI is ever imported, and turned into a component; beside
//! it lies a `plugin.toml` that says what it provides, what can be set, and which hosts it wants to reach and why.
//! `cargo xtask plugins` does both. What the plugin does not use of the imports, it does not import.

mod bindings;
pub mod http;

pub use bindings::base::trayphone::plugin::{log, types};
pub use bindings::{actions, lookup};
pub use types::{Attrs, Call, Card, Direction, Entity, Error, Number, Phone, PhoneKind};

/// Knows callers: the export `lookup`.
pub use bindings::lookup::exports::trayphone::plugin::lookup::Guest as Lookup;

/// Does something when a call changes: the export `actions`.
pub use bindings::actions::exports::trayphone::plugin::actions::{Change, Effect, Guest as Actions};

/// The value of a setting, or the error that says it is missing.
///
/// # Errors
/// [`Error::NotConfigured`] with a sentence that names the key.
pub fn setting(key: &str) -> Result<String, Error> {
    bindings::base::trayphone::plugin::settings::get(key)
        .ok_or_else(|| Error::NotConfigured(format!("the setting \"{key}\" is missing")))
}

/// Makes a type the plugin: `export!(MyType: lookup);` or `export!(MyType: lookup, actions);`.
///
/// The names after the colon say which exports the component has; for each, the type implements the trait of that name.
#[macro_export]
macro_rules! export {
    ($plugin:ident : $($what:ident),+ $(,)?) => {
        $( $crate::__export_one!($what $plugin); )+
    };
}

/// One export of [`export!`]: a type of its own that has the panic hook set first.
#[doc(hidden)]
#[macro_export]
macro_rules! __export_one {
    (lookup $plugin:ident) => {
        const _: () = {
            struct Exported;
            impl $crate::Lookup for Exported {
                fn find(call: $crate::Call) -> Result<Vec<$crate::Card>, $crate::Error> {
                    $crate::__panics_are_logged();
                    <$plugin as $crate::Lookup>::find(call)
                }
            }
    $crate::lookup::__export_lookup!(Exported with_types_in $crate::lookup);
        };
    };
    (actions $plugin:ident) => {
        const _: () = {
            struct Exported;
            impl $crate::Actions for Exported {
                fn react(
                    call: $crate::Call,
                    change: $crate::Change,
                    card: Option<$crate::Card>,
                ) -> Result<Vec<$crate::Effect>, $crate::Error> {
                    $crate::__panics_are_logged();
                    <$plugin as $crate::Actions>::react(call, change, card)
                }
            }
    $crate::actions::__export_actions!(Exported with_types_in $crate::actions);
        };
    };
    ($other:ident $plugin:ident) => {
        compile_error!(concat!("a plugin can export `lookup` and `actions`, not `", stringify!($other), "`"));
    };
}

/// A panic ends the sandbox without a word; its message goes to the plugin's log first, for the author.
#[doc(hidden)]
pub fn __panics_are_logged() {
    std::panic::set_hook(Box::new(|panic| log::write(&log::Level::Error, &panic.to_string())));
}
