//! Journal and ledger as rows: what is written, what is asked for, what becomes of calls a crash cut off.

use crate::{database, error::StoreError, pending::Batch, profile::Profile, switches};
use agent_core::{
    id::AccountId,
    journal::{Direction, JournalEntry, Outcome},
    ledger::{Egress, LedgerRecord, Purpose},
    party::Party,
    time::UnixMillis,
};
use rusqlite::{Connection, Row, named_params, params};
use serde::{Serialize, de::DeserializeOwned};
use std::path::PathBuf;

/// Which calls are asked for; newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalQuery {
    /// At most this many.
    pub limit: u32,
    /// Only what began then or later.
    pub since: Option<UnixMillis>,
    /// Only what began before then: the next page.
    pub before: Option<UnixMillis>,
    /// Only calls that ended so.
    pub outcome: Option<Outcome>,
    /// Only calls begun by this side.
    pub direction: Option<Direction>,
    /// Only calls whose number, name or card holds this text (letters of either case, ASCII).
    pub text: Option<String>,
}

impl Default for JournalQuery {
    fn default() -> Self {
        Self { limit: 100, since: None, before: None, outcome: None, direction: None, text: None }
    }
}

/// Which rows of the ledger are asked for; newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerQuery {
    /// At most this many.
    pub limit: u32,
    /// Only what was tried then or later.
    pub since: Option<UnixMillis>,
    /// Only what was asked for by this part: `sip`, `plugin:org.example.crm`.
    pub who: Option<String>,
}

impl Default for LedgerQuery {
    fn default() -> Self {
        Self { limit: 100, since: None, who: None }
    }
}

/// Reads journal and ledger, also while the agent runs.
#[derive(Debug)]
pub struct JournalReader {
    file: PathBuf,
    connection: Option<Connection>,
}

impl JournalReader {
    /// Opens the profile's journal; one that does not exist yet is an empty one.
    pub fn open(profile: &Profile) -> Result<Self, StoreError> {
        let file = profile.journal_file();
        let connection = database::open_to_read(&file)?;
        Ok(Self { file, connection })
    }

    /// The calls that fit, newest first.
    pub fn calls(&self, query: &JournalQuery) -> Result<Vec<JournalEntry>, StoreError> {
        let Some(connection) = &self.connection else { return Ok(Vec::new()) };
        calls(connection, query).map_err(|error| database::failure(&self.file, &error))
    }

    /// The rows that fit, newest first. Empty where the file is older than the ledger.
    pub fn ledger(&self, query: &LedgerQuery) -> Result<Vec<LedgerRecord>, StoreError> {
        let Some(connection) = &self.connection else { return Ok(Vec::new()) };
        ledger(connection, query).map_err(|error| database::failure(&self.file, &error))
    }
}

/// How long ledger rows are kept, milliseconds: 30 days.
pub(crate) const LEDGER_KEPT_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// Writes entries and rows in one transaction: all of them or none.
pub(crate) fn write(connection: &mut Connection, batch: &Batch) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for call in batch.calls.values() {
        upsert(&transaction, call)?;
    }
    for row in &batch.rows {
        append(&transaction, row)?;
    }
    for (kept, on) in batch.switches.values() {
        switches::keep(&transaction, kept, *on)?;
    }
    transaction.commit()
}

/// Calls that were up when the agent ended without a word: said to be interrupted. When they ended nobody knows.
pub(crate) fn interrupt(connection: &Connection) -> rusqlite::Result<usize> {
    connection.execute("UPDATE call SET outcome = ?1 WHERE outcome IS NULL", [word(&Outcome::Interrupted)])
}

/// Forgets ledger rows older than 30 days.
pub(crate) fn prune(connection: &Connection, now: UnixMillis) -> rusqlite::Result<usize> {
    connection.execute("DELETE FROM ledger WHERE at < ?1", [now.0.saturating_sub(LEDGER_KEPT_MS)])
}

fn upsert(connection: &Connection, call: &JournalEntry) -> rusqlite::Result<()> {
    let card = call.card.as_ref().and_then(|card| serde_json::to_string(card).ok());
    connection
        .prepare_cached(
            "INSERT INTO call
                (key, account, direction, number, name, uri, withheld, card, started, answered, ended, outcome,
                 cause, called, hidden)
             VALUES
                (:key, :account, :direction, :number, :name, :uri, :withheld, :card, :started, :answered, :ended, :outcome,
                 :cause, :called, :hidden)
             ON CONFLICT (key) DO UPDATE SET
                account = :account, direction = :direction, number = :number, name = :name, uri = :uri,
                withheld = :withheld, card = :card, started = :started, answered = :answered, ended = :ended,
                outcome = :outcome, cause = :cause, called = :called, hidden = :hidden",
        )?
        .execute(named_params! {
            ":key": call.key,
            ":account": call.account.0,
            ":direction": word(&call.direction),
            ":number": call.party.number,
            ":name": call.party.name,
            ":uri": call.party.uri,
            ":withheld": call.party.withheld,
            ":card": card,
            ":started": call.started.0,
            ":answered": call.answered.map(|at| at.0),
            ":ended": call.ended.map(|at| at.0),
            ":outcome": call.outcome.as_ref().map(word),
            ":cause": call.cause.as_ref().map(word),
            ":called": call.called,
            ":hidden": call.hidden,
        })?;
    Ok(())
}

/// What was dialled last, newest first, over which account, and whether our number was hidden.
pub(crate) fn dialled(connection: &Connection) -> rusqlite::Result<Vec<(String, AccountId, bool)>> {
    connection
        .prepare_cached(
            "SELECT called, account, hidden FROM call
             WHERE direction = 'outgoing' AND called IS NOT NULL
             ORDER BY started DESC, key DESC LIMIT 20",
        )?
        .query_map([], |row| Ok((row.get("called")?, AccountId(row.get("account")?), row.get("hidden")?)))?
        .collect()
}

fn append(connection: &Connection, row: &LedgerRecord) -> rusqlite::Result<()> {
    let (outcome, detail) = match &row.outcome {
        Egress::Allowed => ("allowed", None),
        Egress::Refused(rule) => ("refused", Some(rule)),
        Egress::Failed(cause) => ("failed", Some(cause)),
    };
    connection
        .prepare_cached(
            "INSERT INTO ledger
                (at, who, why, scheme, host, address, port, request, bytes_out, bytes_in, outcome, detail)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?
        .execute(params![
            row.at.0,
            row.purpose.who,
            row.purpose.why,
            row.scheme,
            row.host,
            row.address,
            row.port,
            row.request,
            i64::try_from(row.bytes_out).unwrap_or(i64::MAX),
            i64::try_from(row.bytes_in).unwrap_or(i64::MAX),
            outcome,
            detail,
        ])?;
    Ok(())
}

fn calls(connection: &Connection, query: &JournalQuery) -> rusqlite::Result<Vec<JournalEntry>> {
    let text = query.text.as_deref().map(pattern);
    connection
        .prepare_cached(
            "SELECT *
             FROM call
             WHERE (:since IS NULL OR started >= :since)
               AND (:before IS NULL OR started < :before)
               AND (:outcome IS NULL OR outcome = :outcome)
               AND (:direction IS NULL OR direction = :direction)
               AND (:text IS NULL OR number LIKE :text ESCAPE '\\' OR name LIKE :text ESCAPE '\\'
                    OR card LIKE :text ESCAPE '\\')
             ORDER BY started DESC, key DESC
             LIMIT :limit",
        )?
        .query_map(
            named_params! {
                ":since": query.since.map(|at| at.0),
                ":before": query.before.map(|at| at.0),
                ":outcome": query.outcome.as_ref().map(word),
                ":direction": query.direction.as_ref().map(word),
                ":text": text,
                ":limit": query.limit,
            },
            call,
        )?
        .collect()
}

fn call(row: &Row<'_>) -> rusqlite::Result<JournalEntry> {
    let millis = |at: Option<i64>| at.map(UnixMillis);
    Ok(JournalEntry {
        key: row.get("key")?,
        account: AccountId(row.get("account")?),
        direction: unword(&row.get::<_, String>("direction")?).unwrap_or(Direction::Incoming),
        party: Party {
            number: row.get("number")?,
            name: row.get("name")?,
            uri: row.get("uri")?,
            withheld: row.get("withheld")?,
        },
        called: match row.get("called") {
            Err(rusqlite::Error::InvalidColumnName(_)) => None,
            called => called?,
        },
        hidden: match row.get("hidden") {
            Err(rusqlite::Error::InvalidColumnName(_)) => false,
            hidden => hidden?,
        },
        card: row.get::<_, Option<String>>("card")?.and_then(|text| serde_json::from_str(&text).ok()),
        started: UnixMillis(row.get("started")?),
        answered: millis(row.get("answered")?),
        ended: millis(row.get("ended")?),
        outcome: row.get::<_, Option<String>>("outcome")?.and_then(|text| unword(&text)),
        cause: match row.get::<_, Option<String>>("cause") {
            // Who only reads may meet a file of before there were causes.
            Err(rusqlite::Error::InvalidColumnName(_)) => None,
            cause => cause?.and_then(|text| unword(&text)),
        },
    })
}

fn ledger(connection: &Connection, query: &LedgerQuery) -> rusqlite::Result<Vec<LedgerRecord>> {
    connection
        .prepare_cached(
            "SELECT at, who, why, scheme, host, address, port, request, bytes_out, bytes_in, outcome, detail
             FROM ledger
             WHERE (:since IS NULL OR at >= :since) AND (:who IS NULL OR who = :who)
             ORDER BY at DESC, id DESC
             LIMIT :limit",
        )?
        .query_map(
            named_params! { ":since": query.since.map(|at| at.0), ":who": query.who, ":limit": query.limit },
            record,
        )?
        .collect()
}

fn record(row: &Row<'_>) -> rusqlite::Result<LedgerRecord> {
    let detail: Option<String> = row.get("detail")?;
    let bytes = |count: i64| u64::try_from(count).unwrap_or_default();
    Ok(LedgerRecord {
        at: UnixMillis(row.get("at")?),
        purpose: Purpose { who: row.get("who")?, why: row.get("why")? },
        scheme: row.get("scheme")?,
        host: row.get("host")?,
        address: row.get("address")?,
        port: row.get("port")?,
        request: row.get("request")?,
        bytes_out: bytes(row.get("bytes_out")?),
        bytes_in: bytes(row.get("bytes_in")?),
        outcome: match row.get::<_, String>("outcome")?.as_str() {
            "allowed" => Egress::Allowed,
            "refused" => Egress::Refused(detail.unwrap_or_default()),
            _ => Egress::Failed(detail.unwrap_or_default()),
        },
    })
}

/// The word a unit variant is written as, the same as in JSON.
fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

fn unword<T: DeserializeOwned>(word: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(word.to_owned())).ok()
}

/// Text to look for, with what LIKE takes for a wildcard taken literally.
fn pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}
