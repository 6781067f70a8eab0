//! The event packages as subscriptions use them: their names, what they carry, and what it comes to.

use crate::{
    event::{
        dialog_info, features,
        lines::{Applied, Line},
        mwi, pidf,
        reginfo::{self, Contact, ContactEvent},
    },
    message::Request,
};
use agent_core::{
    id::AccountId,
    port::sip::watch::{OtherPhone, Package, WatchEvent, Watched},
};
use bytes::Bytes;
use std::time::Duration;

/// The most phones of ours that are kept.
const MOST_PHONES: usize = 64;

/// The name of its Event header field.
pub(crate) fn event(package: Package) -> &'static str {
    match package {
        Package::Line => "dialog",
        Package::Presence => "presence",
        Package::Messages => "message-summary",
        Package::Registrations => "reg",
        Package::Features => "as-feature-event",
    }
}

/// The body it carries.
pub(crate) fn body(package: Package) -> &'static str {
    match package {
        Package::Line => dialog_info::TYPE,
        Package::Presence => pidf::TYPE,
        Package::Messages => mwi::TYPE,
        Package::Registrations => reginfo::TYPE,
        Package::Features => features::TYPE,
    }
}

/// How long is asked for. Lines and presence change by the minute, and a PBX that restarted without a word is noticed
/// no sooner than at the next refresh; the rest may wait longer.
pub(crate) fn interval(package: Package) -> Duration {
    match package {
        Package::Line | Package::Presence => Duration::from_secs(600),
        Package::Messages | Package::Registrations | Package::Features => Duration::from_secs(3600),
    }
}

/// What a body came to.
#[derive(Debug, PartialEq)]
pub(crate) enum Read {
    /// It was read: what is to be told, and whether our own registration is in question.
    Told(Option<WatchEvent>, Option<ContactEvent>),
    /// Changes before it were lost: the whole state is to be asked for.
    Gap,
    /// It is of a type the package does not carry (415).
    Foreign,
    /// It cannot be read (400).
    Unreadable,
}

/// What is known of a target between its documents.
#[derive(Debug, Default)]
pub(crate) struct Known {
    line: Line,
    version: Option<u32>,
    contacts: Vec<Contact>,
}

impl Known {
    /// A new subscription counts anew.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Takes the body of a NOTIFY. `own` tells which contact is ours.
    pub(crate) fn read(
        &mut self,
        account: AccountId,
        watched: &Watched,
        request: &Request,
        own: impl Fn(&str) -> bool,
    ) -> Read {
        if request.body.is_empty() {
            return Read::Told(None, None);
        }
        let bodies = request.bodies_of(body(watched.package));
        let Some(first) = bodies.first() else { return Read::Foreign };
        let target = || watched.target.clone();
        match watched.package {
            Package::Line => match dialog_info::parse(first) {
                Ok(info) => match self.line.apply(info) {
                    Applied::Gap => Read::Gap,
                    Applied::Old => Read::Told(None, None),
                    Applied::Taken => {
                        let line = self.line.info();
                        Read::Told(Some(WatchEvent::Line { account, target: target(), line }), None)
                    }
                },
                Err(error) => unreadable(watched.package, error),
            },
            Package::Presence => match pidf::parse(first) {
                Ok(presence) => {
                    Read::Told(Some(WatchEvent::Presence { account, target: target(), presence }), None)
                }
                Err(error) => unreadable(watched.package, error),
            },
            Package::Messages => match mwi::parse(first) {
                Some(mailbox) => Read::Told(Some(WatchEvent::Messages { account, mailbox }), None),
                None => Read::Unreadable,
            },
            Package::Registrations => self.registrations(account, first, own),
            Package::Features => {
                let features: Vec<_> = bodies.iter().filter_map(|body| features::parse(body).ok()).collect();
                if features.is_empty() {
                    return Read::Unreadable;
                }
                Read::Told(Some(WatchEvent::Features { account, features }), None)
            }
        }
    }

    fn registrations(&mut self, account: AccountId, body: &Bytes, own: impl Fn(&str) -> bool) -> Read {
        let info = match reginfo::parse(body) {
            Ok(info) => info,
            Err(error) => return unreadable(Package::Registrations, error),
        };
        match self.version {
            Some(version) if !info.full && info.version <= version => return Read::Told(None, None),
            Some(version) if !info.full && info.version != version.wrapping_add(1) => return Read::Gap,
            None if !info.full => return Read::Gap,
            _ => {}
        }
        self.version = Some(info.version);
        if info.full {
            self.contacts.clear();
        }
        let mut ours = None;
        for contact in info.contacts {
            if own(&contact.uri) {
                ours = Some(contact.event).filter(|event| *event != ContactEvent::Usual);
                continue;
            }
            self.contacts.retain(|known| known.id != contact.id);
            if contact.active && self.contacts.len() < MOST_PHONES {
                self.contacts.push(contact);
            }
        }
        let phone =
            |contact: &Contact| OtherPhone { contact: contact.uri.clone(), name: contact.name.clone() };
        let phones = self.contacts.iter().map(phone).collect();
        Read::Told(Some(WatchEvent::Registrations { account, phones }), ours)
    }
}

fn unreadable(package: Package, error: crate::event::xml::XmlError) -> Read {
    tracing::debug!(?package, %error, "the body of a NOTIFY cannot be read");
    Read::Unreadable
}
