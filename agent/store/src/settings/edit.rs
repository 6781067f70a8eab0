//! Changing the settings file: comments, order and everything else in it stay as they are.

use super::{DEFAULT_FILE, read, text_of};
use crate::{error::StoreError, file, profile::Profile};
use agent_core::settings::{AccountSettings, PasswordSource, same_address};
use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, value};

/// Writes a settings file of nothing but commented defaults; `false` where there is a file already.
pub fn write_default(profile: &Profile) -> Result<bool, StoreError> {
    let path = profile.settings_file();
    if text_of(&path)?.is_some() {
        return Ok(false);
    }
    file::replace(&path, DEFAULT_FILE)?;
    Ok(true)
}

/// Whether the account could be added, for those who ask for a password next.
pub fn check_account(profile: &Profile, account: &AccountSettings) -> Result<(), StoreError> {
    let document = with_account(profile, account)?;
    // The file itself was read free of mistakes: what is wrong is the account's, and stands in no line of it.
    read::read(&profile.settings_file(), &document.to_string()).map(drop).map_err(|errors| {
        let told: Vec<String> = errors.0.into_iter().map(|error| error.text).collect();
        StoreError::NewAccount(format!("nothing was added: {}", told.join("\nnothing was added: ")))
    })
}

/// Adds an account at the end of the file, which is made where it is missing.
pub fn add_account(profile: &Profile, account: &AccountSettings) -> Result<(), StoreError> {
    check_account(profile, account)?;
    save(profile, &with_account(profile, account)?)
}

fn with_account(profile: &Profile, account: &AccountSettings) -> Result<DocumentMut, StoreError> {
    let (mut document, settings) = open(profile)?;
    if let Some(known) = settings.accounts.iter().find(|known| same_address(&known.aor, &account.aor)) {
        return Err(StoreError::Account(format!("there is an account {} already", known.aor)));
    }
    let mut table = Table::new();
    table.insert("aor", value(&account.aor));
    if let Some(registrar) = &account.registrar {
        table.insert("registrar", value(registrar));
    }
    if let Some(username) = &account.username {
        table.insert("username", value(username));
    }
    if account.password != PasswordSource::Keyring {
        table.insert("password", value(String::from(account.password.clone())));
    }
    if settings.accounts.is_empty() {
        // Comments at the end of the file stand before what is added to its end.
        let comments = trailing(&document);
        if !comments.is_empty() {
            table.decor_mut().set_prefix(format!("{comments}\n"));
            document.set_trailing("");
        }
    }
    array(&mut document)?.push(table);
    Ok(document)
}

/// Takes an account out of the file. Its password in the keyring is another matter (`Keyring::delete`).
pub fn remove_account(profile: &Profile, aor: &str) -> Result<AccountSettings, StoreError> {
    let (mut document, settings) = open(profile)?;
    let known = settings.accounts.iter().enumerate().find(|(_, account)| same_address(&account.aor, aor));
    let Some((at, account)) = known else {
        let known: Vec<&str> = settings.accounts.iter().map(|account| account.aor.as_str()).collect();
        let known = if known.is_empty() {
            "there is none".to_owned()
        } else {
            format!("there is {}", known.join(", "))
        };
        return Err(StoreError::Account(format!("no account is called {aor}: {known}")));
    };
    let account = account.clone();
    let array = array(&mut document)?;
    let comments = array.get(at).map(comments_above).unwrap_or_default();
    array.remove(at);
    let next = array.get_mut(at);
    if !comments.is_empty() {
        match next {
            Some(next) => {
                let own = comments_above(next);
                next.decor_mut().set_prefix(format!("{comments}{own}"));
            }
            None => {
                let end = trailing(&document);
                document.set_trailing(format!("{comments}{end}"));
            }
        }
    }
    if document.get("account").and_then(Item::as_array_of_tables).is_some_and(ArrayOfTables::is_empty) {
        document.remove("account");
    }
    save(profile, &document)?;
    Ok(account)
}

/// Blocks a number in the file, or takes it out of the list. What stands there in another spelling of the same number is
/// the same.
pub(crate) fn block(profile: &Profile, number: &str, on: bool) -> Result<(), StoreError> {
    let (mut document, _) = open(profile)?;
    let calls = document.entry("calls").or_insert(Item::Table(Table::new()));
    let wrong = || StoreError::Account("[calls] blocked is a list of numbers".to_owned());
    let table = calls.as_table_like_mut().ok_or_else(wrong)?;
    let list = table.entry("blocked").or_insert(value(Array::new())).as_array_mut().ok_or_else(wrong)?;
    let same = |text: &str| {
        let plain =
            |text: &str| text.chars().filter(|c| c.is_ascii_digit() || "+*".contains(*c)).collect::<String>();
        plain(text) == plain(number)
    };
    list.retain(|known| !known.as_str().is_some_and(same));
    if on {
        list.push(number);
    }
    save(profile, &document)
}

/// The file as it is, free of mistakes: a file that is wrong is not written to.
fn open(profile: &Profile) -> Result<(DocumentMut, agent_core::settings::Settings), StoreError> {
    let path = profile.settings_file();
    let text = text_of(&path)?.unwrap_or_else(|| DEFAULT_FILE.to_owned());
    let settings = read::read(&path, &text).map_err(StoreError::Settings)?;
    let document = text.parse().map_err(|error: toml_edit::TomlError| StoreError::File {
        file: path.clone(),
        cause: error.message().to_owned(),
    })?;
    Ok((document, settings))
}

fn array(document: &mut DocumentMut) -> Result<&mut ArrayOfTables, StoreError> {
    let item = document.entry("account").or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
    if item.is_value() {
        // `account = [{ … }]` is the same written in another way; from now on it is written in the usual one.
        let tables = std::mem::take(item).into_array_of_tables().unwrap_or_default();
        *item = Item::ArrayOfTables(tables);
    }
    item.as_array_of_tables_mut()
        .ok_or_else(|| StoreError::Account("an account begins with [[account]]".to_owned()))
}

/// Comments and empty lines between the last setting and the end.
fn trailing(document: &DocumentMut) -> String {
    document.trailing().as_str().unwrap_or_default().to_owned()
}

/// The comments before a table's head, which stay when the table goes; empty where there are only empty lines.
fn comments_above(table: &Table) -> String {
    let above = table.decor().prefix().and_then(|text| text.as_str()).unwrap_or_default();
    if above.trim().is_empty() {
        String::new()
    } else {
        above.strip_suffix("\n\n").map_or(above.to_owned(), |text| format!("{text}\n"))
    }
}

fn save(profile: &Profile, document: &DocumentMut) -> Result<(), StoreError> {
    let path = profile.settings_file();
    let text = document.to_string();
    // What is written must be readable again; better to keep the old file than to find out at the next start.
    read::read(&path, &text).map_err(StoreError::Settings)?;
    file::replace(&path, &text)
}
