//! TOML as people write it: unknown keys are refused with line and suggestion before anything is read.

use crate::error::HostError;
use serde::de::DeserializeOwned;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// Which keys a table may have, and which tables lie below which key. An array of tables counts as its table.
pub(crate) struct Shape {
    /// The keys.
    pub(crate) keys: &'static [&'static str],
    /// The tables among them.
    pub(crate) tables: &'static [(&'static str, Shape)],
}

/// Reads `text` of the file named `file`, refusing keys that `shape` does not have.
pub(crate) fn read<T: DeserializeOwned>(file: &str, text: &str, shape: &Shape) -> Result<T, HostError> {
    let place = |error: &toml::de::Error| HostError::Manifest {
        file: file.to_owned(),
        line: line(text, error.span().map_or(0, |span| span.start)),
        what: error.message().to_owned(),
    };
    let table = DeTable::parse(text).map_err(|error| place(&error))?;
    keys(file, text, table.get_ref(), shape)?;
    toml::from_str(text).map_err(|error| place(&error))
}

fn keys(file: &str, text: &str, table: &DeTable<'_>, shape: &Shape) -> Result<(), HostError> {
    for (key, value) in table {
        let name = key.get_ref().as_ref();
        if !shape.keys.contains(&name) {
            return Err(HostError::Manifest {
                file: file.to_owned(),
                line: line(text, key.span().start),
                what: unknown(name, shape.keys),
            });
        }
        if let Some((_, below)) = shape.tables.iter().find(|(table, _)| *table == name) {
            for table in tables(value) {
                keys(file, text, table, below)?;
            }
        }
    }
    Ok(())
}

/// The table, or the tables of the array, that a value is; nothing for what is neither (reading it says so).
fn tables<'a, 'i>(value: &'a Spanned<DeValue<'i>>) -> Vec<&'a DeTable<'i>> {
    match value.get_ref() {
        DeValue::Table(table) => vec![table],
        DeValue::Array(items) => items
            .iter()
            .filter_map(|item| if let DeValue::Table(table) = item.get_ref() { Some(table) } else { None })
            .collect(),
        _ => Vec::new(),
    }
}

/// `unknown key "x": did you mean "y"?`
pub(crate) fn unknown(name: &str, known: &[&str]) -> String {
    let near = known
        .iter()
        .map(|key| (distance(name, key), key))
        .min()
        .filter(|(far, _)| *far <= 2 || *far * 3 <= name.len());
    match near {
        Some((_, key)) => format!("unknown key \"{name}\": did you mean \"{key}\"?"),
        None => format!("unknown key \"{name}\": there is {}", known.join(", ")),
    }
}

/// How many letters must be changed, added or dropped to make one word the other (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().take(64).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let changed = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// The line of a byte, from 1.
fn line(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}
