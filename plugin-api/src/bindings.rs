//! What wit-bindgen makes of the WIT: one module a world, all with the same types.

/// The imports and the types.
pub(crate) mod base {
    wit_bindgen::generate!({ path: "wit", world: "base", generate_all });
}

/// The world `caller-lookup`.
#[expect(missing_docs, reason = "generated code")]
pub mod lookup {
    wit_bindgen::generate!({
        path: "wit",
        world: "caller-lookup",
        with: {
            "trayphone:plugin/types@0.1.0": super::base::trayphone::plugin::types,
            "trayphone:plugin/log@0.1.0": super::base::trayphone::plugin::log,
            "trayphone:plugin/http@0.1.0": super::base::trayphone::plugin::http,
            "trayphone:plugin/settings@0.1.0": super::base::trayphone::plugin::settings,
            "trayphone:plugin/lookup@0.1.0": generate,
        },
        export_macro_name: "__export_lookup",
        pub_export_macro: true,
    });
}

/// The world `call-actions`.
#[expect(missing_docs, reason = "generated code")]
pub mod actions {
    wit_bindgen::generate!({
        path: "wit",
        world: "call-actions",
        with: {
            "trayphone:plugin/types@0.1.0": super::base::trayphone::plugin::types,
            "trayphone:plugin/log@0.1.0": super::base::trayphone::plugin::log,
            "trayphone:plugin/http@0.1.0": super::base::trayphone::plugin::http,
            "trayphone:plugin/settings@0.1.0": super::base::trayphone::plugin::settings,
            "trayphone:plugin/actions@0.1.0": generate,
        },
        export_macro_name: "__export_actions",
        pub_export_macro: true,
    });
}
