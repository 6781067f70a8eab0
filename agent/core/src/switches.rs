//! What is switched on and off for each account, and who says so: the PBX, whoever set it, or this program.

use crate::{
    action::{Switch, SwitchKnown, SwitchStatus},
    id::AccountId,
    port::store::KeptSwitch,
    settings::Settings,
};
use std::collections::BTreeMap;

/// One switch of an account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Which {
    /// The account's address: its place in the settings may become another's.
    pub aor: String,
    pub switch: Switch,
    /// The queue that was named.
    pub queue: Option<String>,
}

/// How it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Position {
    pub on: bool,
    pub to: Option<String>,
    pub known: SwitchKnown,
}

/// All of them that are known.
#[derive(Debug, Default)]
pub(crate) struct Switches(BTreeMap<Which, Position>);

/// The most that are known: who names a new queue with each request is told of the last ones.
const MOST: usize = 256;

impl Switches {
    pub(crate) fn get(&self, which: &Which) -> Option<&Position> {
        self.0.get(which)
    }

    /// Puts it so, and gives what is to be told and kept of it where it was otherwise before.
    pub(crate) fn put(&mut self, which: Which, position: Position) -> Option<Changed> {
        let before = self.0.get(&which);
        if before == Some(&position) || (before.is_none() && self.0.len() >= MOST) {
            return None;
        }
        let keep = (kept(&which, before) != kept(&which, Some(&position)))
            .then(|| Keep { on: kept(&which, Some(&position)).is_some(), kept: row(&which, &position) });
        self.0.insert(which.clone(), position.clone());
        Some(Changed { which, position, keep })
    }

    /// What the PBX told is not known any more, where it told it.
    pub(crate) fn untold(&mut self, which: &Which) -> Option<Changed> {
        self.0.get(which).filter(|it| it.known == SwitchKnown::Pbx)?;
        self.0.remove(which);
        let position = Position { on: false, to: None, known: SwitchKnown::Unknown };
        Some(Changed { which: which.clone(), position, keep: None })
    }

    /// All of an account that the PBX told.
    pub(crate) fn told(&self, aor: &str) -> Vec<Which> {
        let of = |(which, it): &(&Which, &Position)| which.aor == aor && it.known == SwitchKnown::Pbx;
        self.0.iter().filter(of).map(|(which, _)| which.clone()).collect()
    }

    /// What an earlier run kept; what is known by now is newer.
    pub(crate) fn restore(&mut self, kept: Vec<KeptSwitch>) {
        for KeptSwitch { aor, switch, queue, to, here } in kept {
            let known = if here { SwitchKnown::Here } else { SwitchKnown::Set };
            self.0.entry(Which { aor, switch, queue }).or_insert(Position { on: true, to, known });
        }
    }

    /// Whether an account's switch is on, whoever says so.
    pub(crate) fn is_on(&self, aor: &str, switch: Switch) -> bool {
        self.of(aor, switch).is_some_and(|it| it.on)
    }

    /// Where this program is to send calls of an account.
    pub(crate) fn forward_here(&self, aor: &str, switch: Switch) -> Option<&str> {
        self.of(aor, switch).filter(|it| it.on && it.known == SwitchKnown::Here)?.to.as_deref()
    }

    /// Whether this program is to let no call of an account ring.
    pub(crate) fn dnd_here(&self, aor: &str) -> bool {
        self.of(aor, Switch::Dnd).is_some_and(|it| it.on && it.known == SwitchKnown::Here)
    }

    /// Whether the PBX tells how it is, and tells something else than is wanted.
    pub(crate) fn awaited(&self, which: &Which, on: bool) -> bool {
        self.0.get(which).is_some_and(|it| it.known == SwitchKnown::Pbx && it.on != on)
    }

    fn of(&self, aor: &str, switch: Switch) -> Option<&Position> {
        // Nothing of this is asked in the usual case, and every call that comes asks.
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&Which { aor: aor.to_owned(), switch, queue: None })
    }

    /// All of the accounts there are, as listeners are told.
    pub(crate) fn status(&self, settings: &Settings) -> Vec<SwitchStatus> {
        self.0.iter().filter_map(|(which, position)| which.status(position, settings)).collect()
    }
}

/// A switch was put otherwise.
pub(crate) struct Changed {
    pub which: Which,
    pub position: Position,
    pub keep: Option<Keep>,
}

/// What the store is to keep or forget.
pub(crate) struct Keep {
    pub on: bool,
    pub kept: KeptSwitch,
}

impl Which {
    /// As listeners are told; `None`: the account is none of the settings any more.
    pub(crate) fn status(&self, position: &Position, settings: &Settings) -> Option<SwitchStatus> {
        let place = settings.accounts.iter().position(|account| account.aor == self.aor)?;
        Some(SwitchStatus {
            account: AccountId(u32::try_from(place).ok()?),
            switch: self.switch,
            queue: self.queue.clone(),
            on: position.on,
            to: position.to.clone(),
            known: position.known,
        })
    }
}

/// What nobody else remembers; the PBX remembers what it tells.
fn kept(which: &Which, position: Option<&Position>) -> Option<KeptSwitch> {
    let mine = |it: &&Position| it.on && matches!(it.known, SwitchKnown::Set | SwitchKnown::Here);
    Some(row(which, position.filter(mine)?))
}

fn row(which: &Which, position: &Position) -> KeptSwitch {
    KeptSwitch {
        aor: which.aor.clone(),
        switch: which.switch,
        queue: which.queue.clone(),
        to: position.to.clone(),
        here: position.known == SwitchKnown::Here,
    }
}
