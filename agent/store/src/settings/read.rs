//! Reading the settings file: every mistake with its line and column, not only the first one.

use super::{fields::fields, nearest::nearest};
use crate::error::{SettingsError, SettingsErrors};
use agent_core::settings::{
    AccountSettings, AudioSettings, CallSettings, HotkeySettings, NumberSettings, PasswordSource,
    ScreenPopSettings, Settings,
};
use serde::de::DeserializeOwned;
use std::{collections::BTreeSet, ops::Range, path::Path};
use toml_edit::{Document, Item, Key, TableLike, Value, de::ValueDeserializer};

/// The settings in `text`, or all of its mistakes.
pub(super) fn read(file: &Path, text: &str) -> Result<Settings, SettingsErrors> {
    let mut reader = Reader { file, text, errors: Vec::new() };
    let settings = reader.document();
    reader.errors.sort_by_key(|error| (error.line, error.column));
    match settings {
        Some(settings) if reader.errors.is_empty() => Ok(settings),
        _ => Err(SettingsErrors(reader.errors)),
    }
}

/// Line and column of a byte of `text`, from 1.
pub(super) fn place(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

struct Reader<'a> {
    file: &'a Path,
    text: &'a str,
    errors: Vec<SettingsError>,
}

/// The sections and their keys; also to say where a key that stands at the wrong place belongs.
fn sections() -> [(&'static str, &'static [&'static str]); 6] {
    [
        ("[[account]]", fields::<AccountSettings>()),
        ("[audio]", fields::<AudioSettings>()),
        ("[calls]", fields::<CallSettings>()),
        ("[screen-pop]", fields::<ScreenPopSettings>()),
        ("[hotkeys]", fields::<HotkeySettings>()),
        ("[numbers]", fields::<NumberSettings>()),
    ]
}

impl Reader<'_> {
    fn document(&mut self) -> Option<Settings> {
        let document = match Document::parse(self.text) {
            Ok(document) => document,
            Err(error) => {
                // Only the message: the whole error quotes the line, which may hold a secret.
                self.error(error.span(), format!("this is not TOML: {}", one_line(error.message())));
                return None;
            }
        };
        for (name, item) in document.iter() {
            let key = document.key(name);
            match name {
                "account" => self.accounts(key, item),
                "audio" => self.section::<AudioSettings>(key, item),
                "calls" => self.section::<CallSettings>(key, item),
                "screen-pop" => self.section::<ScreenPopSettings>(key, item),
                "hotkeys" => self.section::<HotkeySettings>(key, item),
                "numbers" => self.section::<NumberSettings>(key, item),
                _ => self.leaf::<Settings>("", key, item, &[]),
            }
        }
        self.errors.is_empty().then(|| self.whole(&document)).flatten()
    }

    /// Everything at once, and what only shows in the whole.
    fn whole(&mut self, document: &Document<&str>) -> Option<Settings> {
        let table = document.as_table().clone().into_inline_table();
        let settings = match parse::<Settings>(table) {
            Ok(settings) => settings,
            Err((span, text)) => {
                self.error(span, text);
                return None;
            }
        };
        Some(settings)
    }

    fn accounts(&mut self, key: Option<&Key>, item: &Item) {
        let mut seen = BTreeSet::new();
        let tables: Vec<(Option<Range<usize>>, &dyn TableLike)> = match item {
            Item::ArrayOfTables(array) => {
                array.iter().map(|table| (table.span(), table as &dyn TableLike)).collect()
            }
            Item::Value(Value::Array(array)) if array.iter().all(Value::is_inline_table) => array
                .iter()
                .filter_map(|value| Some((value.span(), value.as_inline_table()? as &dyn TableLike)))
                .collect(),
            _ => {
                let text = "an account begins with [[account]], in two brackets";
                return self.error(item.span().or(key.and_then(Key::span)), text.to_owned());
            }
        };
        for (span, table) in tables {
            let before = self.errors.len();
            for (name, item) in table.iter() {
                self.leaf::<AccountSettings>("[[account]]", table.key(name), item, &[("aor", "sip:a@b")]);
            }
            let Some(aor) = table.get("aor").and_then(Item::as_str) else {
                if self.errors.len() == before {
                    self.error(
                        span,
                        "this account has no aor: write aor = \"sip:1001@pbx.example\"".to_owned(),
                    );
                }
                continue;
            };
            if !seen.insert(aor.to_owned()) {
                let at = table.get("aor").and_then(Item::span);
                self.error(
                    at,
                    format!("there is an account {aor} already: an address can register once only"),
                );
            }
        }
    }

    fn section<T: DeserializeOwned>(&mut self, key: Option<&Key>, item: &Item) {
        let name = key.map_or_else(String::new, |key| format!("[{}]", key.get()));
        match item.as_table_like() {
            Some(table) => {
                for (key, item) in table.iter() {
                    self.leaf::<T>(&name, table.key(key), item, &[]);
                }
            }
            None => self
                .error(item.span(), format!("{name} is a section: write its settings in lines below {name}")),
        }
    }

    /// One key and its value; `filler` stands for what `T` cannot be without.
    fn leaf<T: DeserializeOwned>(
        &mut self,
        section: &str,
        key: Option<&Key>,
        item: &Item,
        filler: &[(&str, &str)],
    ) {
        let Some(key) = key else { return };
        let name = key.get();
        if !fields::<T>().contains(&name) {
            return self.error(key.span(), unknown(section, name, fields::<T>()));
        }
        let mut table = toml_edit::Table::new();
        for (name, value) in filler {
            table.insert(name, toml_edit::value(*value));
        }
        table.insert(name, item.clone());
        if let Err((_, text)) = parse::<T>(table.into_inline_table()) {
            // Of whatever kind the value is, it may be the password itself.
            let secret = name == "password" && !item.is_str();
            let text = if secret { password_rule() } else { format!("{name}: {text}") };
            self.error(item.span().or_else(|| key.span()), text);
        }
    }

    fn error(&mut self, span: Option<Range<usize>>, text: String) {
        let (line, column) = place(self.text, span.map_or(0, |span| span.start));
        self.errors.push(SettingsError { file: self.file.to_owned(), line, column, text });
    }
}

fn parse<T: DeserializeOwned>(table: toml_edit::InlineTable) -> Result<T, (Option<Range<usize>>, String)> {
    let deserializer: ValueDeserializer = serde::de::IntoDeserializer::into_deserializer(Value::from(table));
    T::deserialize(deserializer).map_err(|error| (error.span(), one_line(error.message())))
}

fn password_rule() -> String {
    PasswordSource::try_from(String::new()).err().unwrap_or_default()
}

fn unknown(section: &str, name: &str, known: &[&str]) -> String {
    let place = if section.is_empty() { String::new() } else { format!(" in {section}") };
    if let Some(meant) = nearest(name, known) {
        return format!("unknown setting \"{name}\"{place}: did you mean \"{meant}\"?");
    }
    let elsewhere = sections().into_iter().find(|(title, keys)| *title != section && keys.contains(&name));
    match elsewhere {
        Some((title, _)) => format!("unknown setting \"{name}\"{place}: it belongs below {title}"),
        None => format!("unknown setting \"{name}\"{place}: there are {}", known.join(", ")),
    }
}

fn one_line(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(", ")
}
