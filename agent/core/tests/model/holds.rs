//! What must hold of everything the core asks and shows.

use super::{World, says::secret};
use agent_core::{
    action::{Action, CallState, CallStatus, MessageState, Notice, Reply, RequestId},
    id::CallId,
    journal::Direction,
    port::{
        Effect, Event, Neighbour,
        host::HostCommand,
        media::MediaCommand,
        shell::ShellCommand,
        sip::{PhoneCommand, SipCommand, TransferCommand, transfer::Wish},
        store::StoreCommand,
    },
    view::{Sound, ToastKind},
};
use std::{collections::BTreeSet, time::Duration};

impl World {
    pub(super) fn effect(&mut self, effect: Effect) {
        match &effect {
            Effect::Sip(command) => self.sip(command),
            Effect::Media(command) => self.media(command),
            Effect::Host(HostCommand::Lookup { call, .. }) => {
                let seen = self.seen.entry(*call).or_default();
                assert!(!std::mem::replace(&mut seen.lookup, true), "looked up twice");
            }
            Effect::Host(HostCommand::Cancel { call }) => {
                let seen = self.seen.entry(*call).or_default();
                // Somebody else may be looked up after it: a call can be redirected.
                seen.lookup = false;
            }
            Effect::Store(StoreCommand::Journal(entry)) => {
                let id = entry.key.rsplit('-').next().and_then(|id| id.parse().ok()).map(CallId).unwrap();
                let seen = self.seen.entry(id).or_default();
                assert_eq!(seen.finals, 0, "written after its end: {entry:?}");
                seen.entries += 1;
                seen.finals += u32::from(entry.outcome.is_some());
                assert_eq!(entry.outcome.is_some(), entry.ended.is_some());
            }
            Effect::View(view) => {
                assert_ne!(**view, self.view, "a view that changes nothing");
                self.view = (**view).clone();
            }
            Effect::Notice(Notice::Message(said)) => {
                // Begun once, ended at most once.
                let before = self.texts.insert(said.message, said.state);
                let over =
                    matches!(said.state, MessageState::Sent | MessageState::Kept | MessageState::Failed);
                let fits = match before {
                    None => said.state == MessageState::Sending,
                    Some(before) => before == MessageState::Sending && over,
                };
                assert!(fits, "{before:?} {said:?}");
            }
            Effect::Notice(Notice::ScreenPop { call, .. }) => self.seen.entry(*call).or_default().pops += 1,
            Effect::Shell(ShellCommand::OpenUrl { url }) => assert!(url.starts_with("https://")),
            Effect::Store(StoreCommand::Password(question)) => self.questions.push(question.clone()),
            Effect::Finished => self.finished += 1,
            _ => {}
        }
        let of_interest = match &effect {
            Effect::Sip(_) | Effect::Restart(_) | Effect::Store(StoreCommand::Password(_)) => true,
            Effect::Media(_) => !self.down.contains(&Neighbour::Media),
            _ => false,
        };
        if of_interest {
            self.open.push_back(effect);
        }
    }

    fn sip(&mut self, command: &SipCommand) {
        assert!(!self.down.contains(&Neighbour::Sip), "{command:?} to a session that broke");
        if let SipCommand::Register { account, settings, password } = command {
            let last = self.questions.iter().rfind(|question| question.account == *account);
            let wanted = last.filter(|question| question.aor == settings.aor).map(secret);
            assert_eq!(Some(password.expose()), wanted.as_deref(), "the password of somebody else");
        }
        if let SipCommand::Transfer(command) = command {
            return self.handed_over(command);
        }
        let call = match command {
            SipCommand::Phone(PhoneCommand::RingWith { call, .. })
            | SipCommand::Invite { call, .. }
            | SipCommand::Ring { call }
            | SipCommand::Accept { call, .. }
            | SipCommand::Reject { call, .. }
            | SipCommand::Hangup { call }
            | SipCommand::Reoffer { call, .. }
            | SipCommand::AnswerReoffer { call, .. } => *call,
            _ => return,
        };
        let seen = self.seen.entry(call).or_default();
        assert!(!seen.over, "{command:?} to a call that is over");
        seen.on_the_wire = true;
        match command {
            SipCommand::Accept { .. } => {
                assert!(seen.incoming && !std::mem::replace(&mut seen.accepted, true), "accepted twice");
            }
            SipCommand::Reject { .. } => {
                assert!(seen.incoming && !seen.accepted, "rejected after a 200");
                seen.over = true;
            }
            SipCommand::Hangup { .. } => seen.over = true,
            SipCommand::AnswerReoffer { .. } => seen.reoffered = false,
            SipCommand::Invite { .. } => assert!(!seen.incoming),
            SipCommand::Phone(_) => assert!(seen.rings_with_offer && !seen.accepted, "it rings already"),
            _ => {}
        }
    }

    fn handed_over(&mut self, command: &TransferCommand) {
        // What the PBX asks for outside of a call is agreed to once, and ends by a no or by a call.
        match command {
            TransferCommand::Accept { wish: Wish::Request(request) } => {
                assert_eq!(self.wishes.insert(*request, true), Some(false), "{command:?}");
                return;
            }
            TransferCommand::Refuse { wish: Wish::Request(request) } => {
                assert!(self.wishes.remove(request).is_some(), "{command:?}: it is over");
                return;
            }
            TransferCommand::Follow { wish: Wish::Request(request), .. } => {
                assert_eq!(self.wishes.remove(request), Some(true), "{command:?}");
            }
            _ => {}
        }
        let (call, begins) = match command {
            TransferCommand::Follow { call, .. } | TransferCommand::Pickup { call, .. } => (*call, true),
            TransferCommand::Blind { call, .. }
            | TransferCommand::Attended { call, .. }
            | TransferCommand::Drop { call }
            | TransferCommand::Accept { wish: Wish::Call(call) }
            | TransferCommand::Refuse { wish: Wish::Call(call) }
            | TransferCommand::Redirect { call, .. }
            | TransferCommand::Deflect { call, .. } => (*call, false),
            TransferCommand::Accept { .. } | TransferCommand::Refuse { .. } => return,
        };
        if let TransferCommand::Attended { with, .. } = command {
            assert!(!self.seen[with].over && *with != call, "{command:?} is over");
        }
        let seen = self.seen.entry(call).or_default();
        assert!(!seen.over, "{command:?} to a call that is over");
        match command {
            TransferCommand::Deflect { .. } => {
                assert!(seen.incoming && !seen.accepted, "deflected after a 200");
                seen.over = true;
            }
            TransferCommand::Blind { .. } | TransferCommand::Attended { .. } => {
                assert!(seen.established, "{command:?} before it stands");
                assert!(!std::mem::replace(&mut seen.leaving, true), "handed over twice");
            }
            TransferCommand::Drop { .. } => assert!(std::mem::take(&mut seen.leaving), "nothing to drop"),
            _ => {}
        }
        seen.on_the_wire |= begins;
    }

    fn media(&mut self, command: &MediaCommand) {
        let call = match command {
            MediaCommand::Mix { calls } => {
                assert_ne!(self.mixed, *calls, "mixed as it is");
                assert_ne!(calls.len(), 1, "one alone is no conference");
                self.mixed.clone_from(calls);
                return;
            }
            MediaCommand::Focus { call } => {
                assert_ne!(self.focus, *call, "the microphone is moved to where it is");
                self.focus = *call;
                return;
            }
            MediaCommand::Mute { on } => {
                assert_ne!(self.muted, *on, "the microphone is as it is asked to be");
                self.muted = *on;
                return;
            }
            MediaCommand::Offer { call, .. }
            | MediaCommand::Reoffer { call, .. }
            | MediaCommand::Move { call, .. }
            | MediaCommand::Accept { call, .. }
            | MediaCommand::Complete { call, .. }
            | MediaCommand::Withdraw { call }
            | MediaCommand::Digits { call, .. }
            | MediaCommand::Stop { call } => *call,
        };
        let seen = self.seen.entry(call).or_default();
        assert!(!seen.media_stopped, "{command:?} after the end");
        match command {
            MediaCommand::Offer { .. } | MediaCommand::Accept { .. } => {
                let begins = !std::mem::replace(&mut seen.media_open, true);
                seen.begun_muted |= begins && self.muted && !seen.placed && !seen.rings_with_offer;
            }
            MediaCommand::Stop { .. } => {
                assert!(seen.media_open, "nothing to stop");
                seen.media_stopped = true;
            }
            _ => assert!(seen.media_open, "{command:?} before it is open"),
        }
    }

    /// What the core says it has, asked without leaving a trace.
    pub(super) fn status(&mut self) -> Vec<CallStatus> {
        let request = RequestId(0);
        self.agent.handle(self.now, Event::User { request: Some(request), action: Action::Status });
        let mut calls = None;
        while let Some(effect) = self.agent.poll_effect() {
            match effect {
                Effect::Reply { result: Ok(Reply::Status(status)), .. } => {
                    assert_eq!(status.muted, self.muted);
                    calls = Some(status.calls);
                }
                other => panic!("asking for the state changed it: {other:?}"),
            }
        }
        calls.expect("a status")
    }

    pub(super) fn check(&mut self) {
        let calls = self.status();
        let alive: BTreeSet<CallId> = calls.iter().map(|c| c.call).collect();
        let focused: Vec<CallId> = calls.iter().filter(|c| c.focus).map(|c| c.call).collect();
        assert!(
            focused.len() <= 1 && focused.first().copied() == self.focus,
            "{focused:?} and {:?}",
            self.focus
        );
        let members: Vec<CallId> = calls.iter().filter(|c| c.conference).map(|c| c.call).collect();
        if !self.down.contains(&Neighbour::Media) {
            assert_eq!(members, self.mixed, "who hears whom");
        }
        let mut ringing = 0;
        for call in &calls {
            let seen = self.seen.entry(call.call).or_default();
            assert_eq!((seen.finals, call.outcome), (0, None), "over and still there");
            assert!(!seen.over, "{call:?} is over on the wire");
            seen.established |= call.state == CallState::Established;
            let open = seen.media_open && !seen.rings_with_offer;
            ringing += u32::from(call.state == CallState::Incoming && !open);
            // A code that is dialled without anybody seeing it has no microphone, muted or not.
            assert!(!seen.begun_muted, "a call begins with a muted microphone");
            assert!(call.direction == Direction::Outgoing || seen.incoming);
            if seen.established {
                assert!(call.answered.is_some());
            }
        }
        for (id, seen) in &self.seen {
            if alive.contains(id) {
                assert!(!seen.media_stopped && seen.entries > 0);
                continue;
            }
            assert!(seen.finals <= 1);
            // A call that is gone left exactly one end behind, on every road it had taken.
            if seen.entries > 0 {
                assert_eq!(seen.finals, 1, "{id:?} left no end");
                assert_eq!(seen.media_open, seen.media_stopped, "{id:?}");
                assert!(!seen.lookup, "{id:?} is still looked up");
                assert!(seen.over || !seen.on_the_wire, "{id:?} is still on the wire");
            }
            assert!(seen.pops <= 1 + seen.clicks);
        }
        self.check_view(ringing);
    }

    fn check_view(&self, ringing: u32) {
        let rings = matches!(self.view.sound, Some(Sound::Ring | Sound::CallWaiting));
        assert!(!rings || ringing > 0, "it rings and nobody calls");
        let toasts = &self.view.toasts;
        let ids: BTreeSet<u64> = toasts.iter().map(|t| t.id).collect();
        assert_eq!(ids.len(), toasts.len(), "two toasts of one name");
        let ringing_toasts = toasts.iter().filter(|t| t.kind == ToastKind::Ringing).count();
        assert!(ringing_toasts <= 5 && ringing_toasts <= usize::try_from(ringing).unwrap());
        assert!(toasts.len() <= 20 && self.view.tray.menu.len() <= 60);
    }

    /// The neighbours fall silent: whatever waits for them ends by itself; what talks goes on talking.
    pub(super) fn fade(&mut self) {
        self.open.clear();
        self.wait(Duration::from_secs(3600));
        // Help is called for as long as it takes: only the user gives it up, and with one way all the others.
        let calling = |call: &CallStatus| matches!(call.state, CallState::Calling | CallState::Early);
        while let Some(help) =
            self.status().iter().find(|call| calling(call) && call.party.number.ends_with("112"))
        {
            self.user(Action::Hangup { call: Some(help.call) });
        }
        for call in self.status() {
            assert_eq!(call.state, CallState::Established, "{call:?} waits for ever");
            assert_eq!(call.transfer, None, "{call:?} neither ended nor returned");
            assert!(!self.seen[&call.call].reoffered, "{call:?}: their re-INVITE got no answer");
        }
        assert!(self.wishes.is_empty() || self.finished > 0, "the PBX was never told: {:?}", self.wishes);
        assert!(self.waiting.is_empty(), "{:?} was never answered", self.waiting);
        for (id, seen) in self.seen.iter().filter(|(_, seen)| seen.entries == 0) {
            assert_eq!(seen.media_open, seen.media_stopped, "{id:?}: a code without an end");
            assert!(seen.over || !seen.on_the_wire, "{id:?}: a code that is still on the wire");
        }
        assert_eq!(self.view.sound, None, "a sound without an end");
        assert_eq!(self.agent.poll_timeout(), None, "{:?}", self.agent);
        // A toast that is still up at the end must not keep its deadline.
        self.user(Action::Show);
        self.user(Action::Quit);
        self.wait(Duration::from_secs(3));
        assert_eq!(self.finished, 1);
        assert_eq!((self.status().len(), self.focus, self.muted), (0, None, false));
        assert_eq!(self.agent.poll_timeout(), None);
        for (id, seen) in &self.seen {
            assert!(seen.entries == 0 || seen.finals == 1, "{id:?}");
            assert!(!seen.incoming || (seen.over && seen.finals == 1), "{id:?} came and never went");
        }
    }
}
