//! What the user has set for a plugin: typed by its manifest, kept in the plugin's own `settings.toml`.

use crate::{
    error::HostError,
    manifest::Manifest,
    setting::{check, text_of},
    toml_text::unknown,
};
use std::collections::BTreeMap;

/// The values by key, as text; what is not set and has no default is absent.
pub(crate) type Values = BTreeMap<String, String>;

/// The values that hold when `given` was set, or the first one that is missing, unknown or does not fit.
pub(crate) fn resolve(manifest: &Manifest, given: &[(String, String)]) -> Result<Values, HostError> {
    let keys: Vec<&str> = manifest.settings.iter().map(|spec| spec.key.as_str()).collect();
    let mut values = Values::new();
    for (key, text) in given {
        let Some(spec) = manifest.settings.iter().find(|spec| spec.key == *key) else {
            return Err(HostError::setting(
                key,
                format!("is not one of this plugin: {}", unknown(key, &keys)),
            ));
        };
        let value = check(spec, text).map_err(|what| HostError::setting(key, what))?;
        values.insert(key.clone(), value);
    }
    for spec in &manifest.settings {
        if values.contains_key(&spec.key) {
            continue;
        }
        if let Some(value) = spec.default.as_ref().and_then(text_of) {
            values.insert(spec.key.clone(), value);
        } else if spec.required {
            let label = if spec.label.is_empty() { &spec.key } else { &spec.label };
            return Err(HostError::setting(
                &spec.key,
                format!("({label}) is missing: give it with `--set {}=…`", spec.key),
            ));
        }
    }
    Ok(values)
}

/// The text of `settings.toml`.
pub(crate) fn write(values: &Values) -> String {
    let mut table = toml::Table::new();
    for (key, value) in values {
        table.insert(key.clone(), toml::Value::String(value.clone()));
    }
    table.to_string()
}

/// The values of a `settings.toml`, checked as if they were set now.
pub(crate) fn read(manifest: &Manifest, text: &str) -> Result<Values, HostError> {
    let table: toml::Table = toml::from_str(text).map_err(|error| HostError::Manifest {
        file: "settings.toml".to_owned(),
        line: 1 + text
            .bytes()
            .take(error.span().map_or(0, |span| span.start))
            .filter(|b| *b == b'\n')
            .count(),
        what: error.message().to_owned(),
    })?;
    let given: Vec<(String, String)> = table
        .iter()
        .map(|(key, value)| {
            text_of(value)
                .map(|text| (key.clone(), text))
                .ok_or_else(|| HostError::setting(key, "is neither a text, a number nor true or false"))
        })
        .collect::<Result<_, _>>()?;
    resolve(manifest, &given)
}
