//! A watched line, put together from its documents: full ones, changes, and gaps between them (RFC 4235 section 4.4).

use crate::{
    event::dialog_info::{Dialog, DialogInfo, DialogState, MOST_DIALOGS},
    message::{NameAddr, Uri},
};
use agent_core::{
    party::Party,
    port::sip::watch::{LineInfo, LineState, Pickup},
};

/// What a document came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It was taken.
    Taken,
    /// It is older than what is known, and was passed over.
    Old,
    /// Others before it were lost: the whole state must be asked for again.
    Gap,
}

/// The dialogs of one line.
#[derive(Debug, Clone, Default)]
pub struct Line {
    version: Option<u32>,
    dialogs: Vec<Dialog>,
}

impl Line {
    /// Forgets everything: a new subscription counts its documents anew.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// Whether a whole state came since.
    pub fn known(&self) -> bool {
        self.version.is_some()
    }

    /// Takes a document. A full one counts even with an odd number: PBXs begin at nought again when they restart.
    pub fn apply(&mut self, info: DialogInfo) -> Applied {
        match self.version {
            Some(version) if !info.full && info.version <= version => return Applied::Old,
            Some(version) if !info.full && info.version != version.wrapping_add(1) => return Applied::Gap,
            None if !info.full => return Applied::Gap,
            _ => {}
        }
        self.version = Some(info.version);
        if info.full {
            self.dialogs.clear();
        }
        for dialog in info.dialogs {
            self.dialogs.retain(|known| known.id != dialog.id);
            if dialog.state != DialogState::Terminated && self.dialogs.len() < MOST_DIALOGS {
                self.dialogs.push(dialog);
            }
        }
        Applied::Taken
    }

    /// What the line is doing: a call that rings first, because it is what others may act on, then one that talks.
    pub fn info(&self) -> LineInfo {
        if self.version.is_none() {
            return LineInfo::default();
        }
        let rings = |dialog: &&Dialog| dialog.initiated != Some(true) && dialog.state == DialogState::Early;
        // A PBX without directions tells of outgoing calls as early ones, too.
        let ringing = self.dialogs.iter().find(rings);
        let talking =
            self.dialogs.iter().find(|dialog| dialog.state == DialogState::Confirmed && !dialog.held);
        let Some(shown) = ringing.or(talking).or(self.dialogs.first()) else {
            return LineInfo { state: LineState::Idle, with: None, pickup: None };
        };
        let held = self.dialogs.iter().all(|dialog| dialog.state == DialogState::Confirmed && dialog.held);
        let state = match (ringing, held) {
            (Some(_), _) => LineState::Ringing,
            (None, true) => LineState::Held,
            (None, false) => LineState::Busy,
        };
        LineInfo { state, with: party(shown), pickup: ringing.and_then(pickup) }
    }
}

fn pickup(dialog: &Dialog) -> Option<Pickup> {
    Some(Pickup {
        call_id: dialog.call_id.clone()?,
        local_tag: dialog.local_tag.clone()?,
        remote_tag: dialog.remote_tag.clone()?,
    })
}

fn party(dialog: &Dialog) -> Option<Party> {
    let address = dialog.remote.identity.as_deref().or(dialog.remote.target.as_deref())?;
    // Some write the identity as in From.
    let parsed = NameAddr::parse(address.as_bytes()).ok();
    let uri = parsed.as_ref().map(|address| address.uri.clone())?;
    let number = match &uri {
        Uri::Tel(tel) => tel.digits(),
        other => other.user_text().map(|user| user.to_display()).unwrap_or_default(),
    };
    let display = parsed.and_then(|address| address.display).map(|name| name.to_display());
    let name = dialog.remote.name.clone().or(display).filter(|name| !name.is_empty() && *name != number);
    if number.is_empty() && name.is_none() {
        return None;
    }
    let withheld = number.eq_ignore_ascii_case("anonymous");
    if withheld {
        return Some(Party {
            withheld,
            uri: "sip:anonymous@anonymous.invalid".to_owned(),
            ..Party::default()
        });
    }
    Some(Party { number, name, uri: uri.to_string(), withheld })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(version: u32, full: bool, dialogs: &[(&str, DialogState, Option<bool>)]) -> DialogInfo {
        let dialog = |(id, state, initiated): &(&str, DialogState, Option<bool>)| Dialog {
            id: (*id).to_owned(),
            state: *state,
            initiated: *initiated,
            call_id: Some("c".to_owned()),
            local_tag: Some("l".to_owned()),
            remote_tag: Some("r".to_owned()),
            ..Dialog::default()
        };
        DialogInfo { version, full, entity: String::new(), dialogs: dialogs.iter().map(dialog).collect() }
    }

    #[test]
    fn it_is_unknown_until_the_whole_state_came() {
        let mut line = Line::default();
        assert_eq!(line.info().state, LineState::Unknown);
        assert_eq!(line.apply(document(3, false, &[("a", DialogState::Early, None)])), Applied::Gap);
        assert_eq!(line.info().state, LineState::Unknown);
        assert_eq!(line.apply(document(4, true, &[])), Applied::Taken);
        assert_eq!(line.info().state, LineState::Idle);
    }

    #[test]
    fn changes_apply_in_their_order_only() {
        let mut line = Line::default();
        line.apply(document(1, true, &[]));
        assert_eq!(line.apply(document(2, false, &[("a", DialogState::Early, Some(false))])), Applied::Taken);
        assert_eq!(line.info().state, LineState::Ringing);
        assert_eq!(line.info().pickup.unwrap().remote_tag, "r");
        assert_eq!(line.apply(document(2, false, &[])), Applied::Old);
        assert_eq!(line.apply(document(4, false, &[("a", DialogState::Terminated, None)])), Applied::Gap);
        assert_eq!(line.info().state, LineState::Ringing);
        assert_eq!(line.apply(document(3, false, &[("a", DialogState::Confirmed, None)])), Applied::Taken);
        assert_eq!((line.info().state, line.info().pickup), (LineState::Busy, None));
        assert_eq!(line.apply(document(0, true, &[])), Applied::Taken, "the PBX began anew");
        assert_eq!(line.info().state, LineState::Idle);
    }

    #[test]
    fn several_dialogs_come_to_one_state() {
        let mut line = Line::default();
        let (talks, rings) =
            (("a", DialogState::Confirmed, Some(true)), ("b", DialogState::Early, Some(false)));
        line.apply(document(0, true, &[talks, rings]));
        assert_eq!(line.info().state, LineState::Ringing);
        line.apply(document(1, false, &[("b", DialogState::Terminated, Some(false))]));
        assert_eq!(line.info().state, LineState::Busy);
        line.apply(document(2, true, &[("c", DialogState::Early, Some(true))]));
        assert_eq!(line.info().state, LineState::Busy, "it calls; nothing rings there");
        let mut held = document(3, true, &[talks]);
        held.dialogs[0].held = true;
        line.apply(held);
        assert_eq!(line.info().state, LineState::Held);
    }

    #[test]
    fn the_other_side_is_named_as_it_is_written() {
        let mut info = document(0, true, &[("a", DialogState::Confirmed, None)]);
        let mut with = |identity: &str, name: Option<&str>| {
            info.dialogs[0].remote.identity = Some(identity.to_owned());
            info.dialogs[0].remote.name = name.map(str::to_owned);
            let mut line = Line::default();
            line.apply(info.clone());
            line.info().with
        };
        let party = with("sip:600@pbx.example", Some("Anna")).unwrap();
        assert_eq!((party.number.as_str(), party.name.as_deref()), ("600", Some("Anna")));
        assert_eq!(with("\"Bob\" <sip:601@x>;tag=1", None).unwrap().name.as_deref(), Some("Bob"));
        assert_eq!(with("600", None), None);
        assert!(with("sip:anonymous@anonymous.invalid", Some("Eve")).unwrap().name.is_none());
    }
}
