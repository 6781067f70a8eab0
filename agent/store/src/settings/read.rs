//! Reading the settings file: every mistake with its line and column, not only the first one.

use super::{fields::fields, nearest::nearest};
use crate::error::{SettingsError, SettingsErrors};
use agent_core::settings::{
    AccountSettings, AudioSettings, CallSettings, HotkeySettings, Language, NumberSettings, PasswordSource,
    ScreenPopSettings, Settings,
};
use serde::de::DeserializeOwned;
use std::{ops::Range, path::Path};
use toml_edit::{Document, Item, Key, Table, TableLike, Value, de::ValueDeserializer};

/// The settings in `text`, or all of its mistakes.
pub(super) fn read(file: &Path, text: &str) -> Result<Settings, SettingsErrors> {
    let mut reader = Reader { file, text, errors: Vec::new(), bad: Vec::new() };
    let settings = reader.document();
    reader.errors.sort_by_key(|error| (error.line, error.column));
    match settings {
        Some(settings) if reader.errors.is_empty() => Ok(settings),
        _ => Err(SettingsErrors(reader.errors)),
    }
}

/// Line and column of a byte of `text`, from 1.
pub(crate) fn place(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

struct Reader<'a> {
    file: &'a Path,
    text: &'a str,
    errors: Vec<SettingsError>,
    /// Where the mistakes are, so that the rest can be looked at without them.
    bad: Vec<At>,
}

/// The place of one setting: `most` in `[calls]`, `aor` in the second `[[account]]`, `language` in no section.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Part<'a> {
    section: &'a str,
    /// Which of several tables of that name.
    index: Option<usize>,
}

/// A setting's place, kept beyond the document it was found in.
#[derive(Debug, Clone, PartialEq, Eq)]
struct At {
    section: String,
    index: Option<usize>,
    key: String,
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
                _ => self.leaf::<Settings>(Part::default(), key, item, &[]),
            }
        }
        self.whole(&document)
    }

    /// Everything that is free of mistakes at once, and what is wrong about it only then.
    fn whole(&mut self, document: &Document<&str>) -> Option<Settings> {
        let mut table = document.as_table().clone();
        for at in &self.bad {
            at.remove(&mut table);
        }
        let settings = match parse::<Settings>(table.clone().into_inline_table()) {
            Ok(settings) => settings,
            Err((span, text)) => {
                // With mistakes left out something else may be missing; those were told already.
                if self.errors.is_empty() {
                    self.error(span, text);
                }
                return None;
            }
        };
        // In English, as every other sentence about this file.
        let english = Settings { language: Language::En, ..settings.clone() };
        for problem in english.check() {
            let at = At::from_path(&problem.key);
            let span = at.find(&table).and_then(Item::span).or_else(|| at.head(&table));
            if !self.bad.contains(&at) {
                self.error(span, format!("{}: {}", at.key, problem.text));
            }
        }
        Some(settings)
    }

    fn accounts(&mut self, key: Option<&Key>, item: &Item) {
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
        for (index, (span, table)) in tables.into_iter().enumerate() {
            let part = Part { section: "account", index: Some(index) };
            let before = self.errors.len();
            for (name, item) in table.iter() {
                self.leaf::<AccountSettings>(part, table.key(name), item, &[("aor", "sip:a@b")]);
            }
            if !table.contains_key("aor") && self.errors.len() == before {
                self.error(span, "this account has no aor: write aor = \"sip:1001@pbx.example\"".to_owned());
            }
        }
    }

    fn section<T: DeserializeOwned>(&mut self, key: Option<&Key>, item: &Item) {
        let section = key.map_or("", Key::get);
        let Some(table) = item.as_table_like() else {
            self.bad.push(At { section: String::new(), index: None, key: section.to_owned() });
            let text = format!("[{section}] is a section: write its settings in lines below [{section}]");
            return self.error(item.span(), text);
        };
        for (key, item) in table.iter() {
            self.leaf::<T>(Part { section, index: None }, table.key(key), item, &[]);
        }
    }

    /// One key and its value; `filler` stands for what `T` cannot be without.
    fn leaf<T: DeserializeOwned>(
        &mut self,
        part: Part<'_>,
        key: Option<&Key>,
        item: &Item,
        filler: &[(&str, &str)],
    ) {
        let Some(key) = key else { return };
        let name = key.get();
        let bad = At { section: part.section.to_owned(), index: part.index, key: name.to_owned() };
        if !fields::<T>().contains(&name) {
            self.bad.push(bad);
            return self.error(key.span(), unknown(part, name, fields::<T>()));
        }
        let mut table = Table::new();
        for (name, value) in filler {
            table.insert(name, toml_edit::value(*value));
        }
        table.insert(name, item.clone());
        if let Err((_, text)) = parse::<T>(table.into_inline_table()) {
            // Of whatever kind the value is, it may be the password itself.
            let secret = name == "password" && !item.is_str();
            let text = if secret { password_rule() } else { text };
            self.bad.push(bad);
            self.error(item.span().or_else(|| key.span()), format!("{name}: {text}"));
        }
    }

    fn error(&mut self, span: Option<Range<usize>>, text: String) {
        let (line, column) = place(self.text, span.map_or(0, |span| span.start));
        self.errors.push(SettingsError { file: self.file.to_owned(), line, column, text });
    }
}

fn parse<T: DeserializeOwned>(table: toml_edit::InlineTable) -> Result<T, (Option<Range<usize>>, String)> {
    let deserializer: ValueDeserializer = serde::de::IntoDeserializer::into_deserializer(Value::from(table));
    T::deserialize(deserializer).map_err(|error| {
        (error.span(), one_line(error.message()).replace("expected u32", "expected a whole number"))
    })
}

fn password_rule() -> String {
    PasswordSource::try_from(String::new()).err().unwrap_or_default()
}

fn unknown(part: Part<'_>, name: &str, known: &[&str]) -> String {
    let title = part.title();
    let place = if title.is_empty() { String::new() } else { format!(" in {title}") };
    if let Some(meant) = nearest(name, known) {
        return format!("unknown setting \"{name}\"{place}: did you mean \"{meant}\"?");
    }
    match sections().into_iter().find(|(other, keys)| *other != title && keys.contains(&name)) {
        Some((other, _)) => format!("unknown setting \"{name}\"{place}: it belongs below {other}"),
        None => format!("unknown setting \"{name}\"{place}: there are {}", known.join(", ")),
    }
}

impl Part<'_> {
    /// As the file writes it.
    fn title(self) -> String {
        match (self.section, self.index) {
            ("", _) => String::new(),
            (section, None) => format!("[{section}]"),
            (section, Some(_)) => format!("[[{section}]]"),
        }
    }
}

impl At {
    /// From `calls.most`, `account[1].aor`, `language`.
    fn from_path(path: &str) -> Self {
        let (section, key) = path.rsplit_once('.').unwrap_or(("", path));
        let (section, index) = match section.strip_suffix(']').and_then(|rest| rest.split_once('[')) {
            Some((section, index)) => (section, index.parse().ok()),
            None => (section, None),
        };
        Self { section: section.to_owned(), index, key: key.to_owned() }
    }

    fn find<'a>(&self, table: &'a Table) -> Option<&'a Item> {
        self.part(table)?.get(&self.key)
    }

    /// Where its section begins: for what should be there and is not.
    fn head(&self, table: &Table) -> Option<Range<usize>> {
        match table.get(&self.section)? {
            Item::ArrayOfTables(array) => array.get(self.index?)?.span(),
            item => item.span(),
        }
    }

    fn part<'a>(&self, table: &'a Table) -> Option<&'a dyn TableLike> {
        match (self.section.as_str(), self.index) {
            ("", _) => Some(table),
            (section, None) => table.get(section)?.as_table_like(),
            (section, Some(index)) => match table.get(section)? {
                Item::ArrayOfTables(array) => array.get(index).map(|table| table as &dyn TableLike),
                item => item.as_array()?.get(index)?.as_inline_table().map(|table| table as &dyn TableLike),
            },
        }
    }

    fn remove(&self, table: &mut Table) {
        let part: Option<&mut dyn TableLike> = match (self.section.as_str(), self.index) {
            ("", _) => Some(table),
            (section, None) => table.get_mut(section).and_then(Item::as_table_like_mut),
            (section, Some(index)) => match table.get_mut(section) {
                Some(Item::ArrayOfTables(array)) => {
                    array.get_mut(index).map(|table| table as &mut dyn TableLike)
                }
                Some(Item::Value(Value::Array(array))) => array
                    .get_mut(index)
                    .and_then(Value::as_inline_table_mut)
                    .map(|table| table as &mut dyn TableLike),
                _ => None,
            },
        };
        if let Some(part) = part {
            part.remove(&self.key);
        }
    }
}

fn one_line(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(", ")
}
