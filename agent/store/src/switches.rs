//! Switches that are on and that nobody else remembers: do not disturb and forwarding done here, and what a code set.

use agent_core::{
    action::Switch,
    port::store::{KeptSwitch, StoreEvent},
    settings::Settings,
};
use rusqlite::{Connection, params};

/// The switches by the names the file knows them by; those of every earlier format are out there.
const NAMES: [(Switch, &str); 6] = [
    (Switch::Dnd, "dnd"),
    (Switch::ForwardAlways, "forward_always"),
    (Switch::ForwardBusy, "forward_busy"),
    (Switch::ForwardNoAnswer, "forward_no_answer"),
    (Switch::Queue, "queue"),
    (Switch::QueuePause, "queue_pause"),
];

/// Keeps one, or forgets it.
pub(crate) fn keep(connection: &Connection, kept: &KeptSwitch, on: bool) -> rusqlite::Result<()> {
    let name = NAMES.iter().find(|(switch, _)| *switch == kept.switch).map(|(_, name)| *name);
    // SQL has no equality for NULL, which a key needs: no queue is an empty name.
    let queue = kept.queue.as_deref().unwrap_or_default();
    if on {
        connection
            .prepare_cached("INSERT OR REPLACE INTO switch (aor, switch, queue, target, here) VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![kept.aor, name, queue, kept.to, kept.here])?;
    } else {
        connection
            .prepare_cached("DELETE FROM switch WHERE aor = ?1 AND switch = ?2 AND queue = ?3")?
            .execute(params![kept.aor, name, queue])?;
    }
    Ok(())
}

/// All that are kept. One of a name that is not known was written by hand, and is passed over.
fn kept(connection: &Connection) -> rusqlite::Result<Vec<KeptSwitch>> {
    let mut statement = connection
        .prepare("SELECT aor, switch, queue, target, here FROM switch ORDER BY aor, switch, queue")?;
    let rows = statement.query_map([], |row| {
        let name: String = row.get("switch")?;
        let switch = NAMES.iter().find(|(_, known)| *known == name).map(|(switch, _)| *switch);
        let queue: String = row.get("queue")?;
        let (aor, to, here) = (row.get("aor")?, row.get("target")?, row.get("here")?);
        let queue = Some(queue).filter(|queue| !queue.is_empty());
        Ok(switch.map(|switch| KeptSwitch { aor, switch, queue, to, here }))
    })?;
    rows.filter_map(Result::transpose).collect()
}

/// Tells which ones earlier runs kept.
pub(crate) fn restore(
    connection: &Connection,
    settings: &Settings,
    tell: &dyn Fn(StoreEvent),
) -> rusqlite::Result<()> {
    // Settings that cannot be read have no accounts; nothing is forgotten for that.
    if !settings.accounts.is_empty() {
        forget_others(connection, settings)?;
    }
    let kept = kept(connection)?;
    if !kept.is_empty() {
        tell(StoreEvent::Kept(kept));
    }
    Ok(())
}

/// Forgets those of accounts that are none any more: where calls went is nobody's business then.
fn forget_others(connection: &Connection, settings: &Settings) -> rusqlite::Result<()> {
    for switch in kept(connection)? {
        if !settings.accounts.iter().any(|account| account.aor == switch.aor) {
            keep(connection, &switch, false)?;
        }
    }
    Ok(())
}
