//! Do not disturb, forwarding and queues: by the code of the PBX where one is known, else here; and what the PBX tells of them.

use crate::{
    action::{Notice, QueueStep, Refusal, RefusalCode, Reply, RequestId, Switch, SwitchKnown},
    agent::Agent,
    codes::{Asked, Change, Fared, Over},
    id::{AccountId, CallId},
    number::kind::{Kind, Number},
    pbx::{Code, Codes},
    port::{
        media::MediaEvent,
        sip::{
            Registration, SipEvent, WatchEvent,
            watch::{FeatureInfo, ForwardWhen, LineState, Package, Subscribed},
        },
        store::{KeptSwitch, StoreCommand},
    },
    switches::{Changed, Position, Which},
    text::{self, Phrase, features as words},
    time::Now,
};

/// The answer to a request, when there is one already.
pub(super) type Answer = Result<Option<Reply>, Refusal>;

/// How one change is done.
enum Way {
    /// It is so already.
    Already,
    /// By this program.
    Here,
    /// By a code.
    Code { code: String, verified: bool },
}

impl Agent {
    /// Sends calls elsewhere, or no longer.
    pub(super) fn forward(
        &mut self,
        now: Now,
        request: Option<RequestId>,
        account: Option<AccountId>,
        (when, to): (ForwardWhen, Option<&str>),
    ) -> Answer {
        let to = match to {
            Some(to) => Some(self.forwardable(to)?),
            None => None,
        };
        let (accounts, cx) = self.accounts_at(now);
        let (account, _) = accounts.line(&cx, account)?;
        if to.as_deref() == Some(self.own(account)) {
            return self.refuse(&words::FORWARD_SELF, &[]);
        }
        let which = self.which(account, Switch::from(when), None);
        self.switch(now, request, vec![Change { account, which, on: to.is_some(), to }])
    }

    /// Where calls may be sent: a number that can be called without anybody being asked.
    fn forwardable(&self, text: &str) -> Result<String, Refusal> {
        let number: Number = self.typed(text)?;
        if matches!(number.kind, Kind::Emergency | Kind::Code) || number.extension.is_some() {
            return self.refuse(&words::FORWARD_WHERE, &[&number.shown]);
        }
        Ok(number.dial)
    }

    /// Lets no call ring, or lets them again.
    pub(super) fn dnd(
        &mut self,
        now: Now,
        request: Option<RequestId>,
        account: Option<AccountId>,
        on: bool,
    ) -> Answer {
        let accounts = match account {
            Some(_) => vec![account],
            None => {
                let ready = |state: &Registration| *state == Registration::Registered;
                self.accounts.all().filter(|(_, it)| ready(it.state())).map(|(id, _)| Some(id)).collect()
            }
        };
        let mut changes = Vec::new();
        // Without any that is registered, the usual refusal says so.
        for account in if accounts.is_empty() { vec![None] } else { accounts } {
            let (accounts, cx) = self.accounts_at(now);
            let (account, _) = accounts.line(&cx, account)?;
            changes.push(Change { account, which: self.which(account, Switch::Dnd, None), on, to: None });
        }
        self.switch(now, request, changes)
    }

    /// Begins or ends taking calls of a queue.
    pub(super) fn queue(
        &mut self,
        now: Now,
        request: Option<RequestId>,
        account: Option<AccountId>,
        (step, queue): (QueueStep, Option<&str>),
    ) -> Answer {
        let queue = match queue {
            Some(queue) => Some(self.typed(queue)?.dial),
            None => None,
        };
        let (accounts, cx) = self.accounts_at(now);
        let (account, _) = accounts.line(&cx, account)?;
        let (switch, on) = match step {
            QueueStep::In => (Switch::Queue, true),
            QueueStep::Out => (Switch::Queue, false),
            QueueStep::Pause => (Switch::QueuePause, true),
            QueueStep::Resume => (Switch::QueuePause, false),
        };
        let which = self.which(account, switch, queue);
        self.switch(now, request, vec![Change { account, which, on, to: None }])
    }

    fn which(&self, account: AccountId, switch: Switch, queue: Option<String>) -> Which {
        let settings = usize::try_from(account.0).ok().and_then(|place| self.settings.accounts.get(place));
        Which { aor: settings.map(|it| it.aor.clone()).unwrap_or_default(), switch, queue }
    }

    /// Does all of them: at once, or when the PBX has taken their codes.
    fn switch(&mut self, now: Now, request: Option<RequestId>, changes: Vec<Change>) -> Answer {
        let mut asked = Asked { request, ..Asked::default() };
        let mut codes = Vec::new();
        for change in changes {
            match self.switched_by(&change) {
                Err(refusal) => drop(asked.refusal.get_or_insert(refusal)),
                Ok(Way::Already) => asked.done.push(change.which),
                Ok(Way::Here) => {
                    asked.done.push(change.which.clone());
                    self.put(change.which, change.on, change.to, SwitchKnown::Here);
                }
                Ok(Way::Code { code, verified }) => codes.push((change, code, verified)),
            }
        }
        asked.left = codes.len();
        if codes.is_empty() {
            return self.outcome(now, asked).map(Some);
        }
        let number = self.codes.ask(asked);
        for (change, code, verified) in codes {
            let (accounts, cx) = self.accounts_at(now);
            let (_, local) = accounts.line(&cx, Some(change.account))?;
            let id = self.calls.next_id();
            let (codes, mut cx) = self.codes_at(now);
            codes.dial(&mut cx, (id, local), (change, code.clone()), number);
            self.warn_of(now, &code, verified);
        }
        Ok(None)
    }

    /// How a change is done, or why it cannot be.
    fn switched_by(&self, change: &Change) -> Result<Way, Refusal> {
        let Change { account, which, on, to } = change;
        if self.codes.busy(which) {
            return self.refuse(&words::SWITCH_BUSY, &[]);
        }
        let now = self.lines.switches.get(which);
        let told = now.filter(|it| it.known == SwitchKnown::Pbx);
        let here = now.is_some_and(|it| it.known == SwitchKnown::Here && it.on);
        let code = self.lines.codes(&self.settings, *account).and_then(|codes| code(codes, which, *on));
        let Some(code) = code.filter(|_| *on || !here) else {
            let queue = matches!(which.switch, Switch::Queue | Switch::QueuePause);
            if queue || told.is_some() {
                return self.refuse(&text::transfer::NO_CODE, &[]);
            }
            return Ok(Way::Here);
        };
        let number = match which.switch {
            Switch::Queue | Switch::QueuePause => which.queue.as_deref(),
            _ => to.as_deref(),
        };
        if number.is_some_and(|number| number.contains(':')) {
            return self.refuse(&words::FORWARD_ADDRESS, &[]);
        }
        let Some(dialled) = code.with(number, self.own(*account)) else {
            let why = if number.is_some() { &words::QUEUE_UNNAMED } else { &words::QUEUE_NAMED };
            return self.refuse(why, &[]);
        };
        if self.typed(&dialled).is_ok_and(|number| number.kind == Kind::Emergency) {
            return self.refuse(&text::transfer::NO_CODE, &[]);
        }
        // Dialled without need, a code that switches over does the opposite.
        match told {
            Some(told) if code.toggle && told.on == *on => return Ok(Way::Already),
            None if code.toggle => return self.refuse(&words::SWITCH_BLIND, &[&dialled]),
            _ => {}
        }
        Ok(Way::Code { code: dialled, verified: code.verified })
    }

    fn refuse<T>(&self, phrase: &Phrase, filled: &[&str]) -> Result<T, Refusal> {
        Err(Refusal { code: RefusalCode::NotAllowed, text: self.say(phrase, filled) })
    }

    /// The audio tells something; `true`: of a code, and nobody else's.
    pub(super) fn code_media(&mut self, now: Now, event: &MediaEvent) {
        let (codes, mut cx) = self.codes_at(now);
        let over = codes.media(&mut cx, event);
        self.code_over(now, over);
    }

    /// SIP tells something.
    pub(super) fn code_sip(&mut self, now: Now, event: &SipEvent) {
        let (codes, mut cx) = self.codes_at(now);
        let over = codes.sip(&mut cx, event);
        self.code_over(now, over);
    }

    /// A code had its time.
    pub(super) fn code_overdue(&mut self, now: Now, call: CallId) {
        let (codes, mut cx) = self.codes_at(now);
        let over = codes.overdue(&mut cx, call);
        self.code_over(now, over);
    }

    /// All codes come to nothing.
    pub(super) fn codes_over(&mut self, now: Now, fared: &Fared) {
        let (codes, mut cx) = self.codes_at(now);
        let over = codes.all_over(&mut cx, fared);
        self.code_over(now, over);
    }

    /// Those that wait for the audio come to nothing.
    pub(super) fn codes_soundless(&mut self, now: Now) {
        let (codes, mut cx) = self.codes_at(now);
        let over = codes.soundless(&mut cx);
        self.code_over(now, over);
    }

    fn code_over(&mut self, now: Now, over: impl IntoIterator<Item = Over>) {
        for Over { change, code, asked: number, fared } in over {
            let refusal = self.code_refused(&change, &code, fared);
            if refusal.is_none() && !self.pbx_tells(&change.which) {
                self.put(change.which.clone(), change.on, change.to, SwitchKnown::Set);
            }
            let Some(asked) = self.codes.asked(number) else { continue };
            match refusal {
                Some(refusal) => drop(asked.refusal.get_or_insert(refusal)),
                None => asked.done.push(change.which),
            }
            asked.left -= 1;
            if asked.left == 0
                && let Some(asked) = self.codes.answered(number)
            {
                let request = asked.request;
                let outcome = self.outcome(now, asked);
                self.answer_to(now, request, outcome);
            }
        }
    }

    /// Why a code did not do what it was dialled for; `None`: it did, as far as anybody can tell.
    fn code_refused(&self, change: &Change, code: &str, fared: Fared) -> Option<Refusal> {
        let language = self.settings.language;
        let text = match fared {
            Fared::Taken if self.lines.switches.awaited(&change.which, change.on) => {
                self.say(&words::CODE_WITHOUT_EFFECT, &[code])
            }
            Fared::Taken => return None,
            Fared::Refused { status, phrase } => {
                let phrase = crate::plain::plain(&phrase);
                self.say(&words::CODE_REFUSED, &[code, &format!("{status} {phrase}")])
            }
            Fared::Lost(why) => self.say(&words::CODE_REFUSED, &[code, &text::lost(language, why)]),
            Fared::NoSound(why) => self.say(&words::CODE_REFUSED, &[code, &text::sound(language, &why)]),
            Fared::Silent => self.say(&words::CODE_SILENT, &[code]),
            Fared::Quitting => {
                return Some(Refusal { code: RefusalCode::Quitting, text: self.say(&text::QUITTING, &[]) });
            }
        };
        Some(Refusal { code: RefusalCode::NotAllowed, text })
    }

    /// All of what was asked for is over. Who clicked is told in a toast that it is so.
    fn outcome(&mut self, now: Now, asked: Asked) -> Result<Reply, Refusal> {
        if let Some(refusal) = asked.refusal {
            return Err(refusal);
        }
        let state = |which: &Which| which.status(self.lines.switches.get(which)?, &self.settings);
        let features: Vec<_> = asked.done.iter().filter_map(state).collect();
        if asked.request.is_none()
            && let Some(first) = features.first()
        {
            let language = self.settings.language;
            // What this program no longer does needs no word on who does it.
            let ended = !first.on && first.known == SwitchKnown::Here;
            let line = if ended { String::new() } else { words::known(language, first.known) };
            let title = words::state(language, first);
            let (_, mut cx) = self.calls_at(now);
            cx.inform(None, title, line);
        }
        Ok(Reply::Switched { features })
    }

    fn pbx_tells(&self, which: &Which) -> bool {
        self.lines.switches.get(which).is_some_and(|it| it.known == SwitchKnown::Pbx)
    }

    /// It is so from now on: listeners are told, and what nobody else remembers is kept.
    fn put(&mut self, which: Which, on: bool, to: Option<String>, known: SwitchKnown) {
        let changed = self.lines.switches.put(which, Position { on, to, known });
        self.tell_switch(changed);
    }

    fn tell_switch(&mut self, changed: Option<Changed>) {
        let Some(Changed { which, position, keep }) = changed else { return };
        if let Some(keep) = keep {
            self.out.store(StoreCommand::Keep { kept: keep.kept, on: keep.on });
        }
        if let Some(status) = which.status(&position, &self.settings) {
            self.out.notice(Notice::Feature(status));
        }
    }

    /// What an earlier run kept.
    pub(super) fn restore(&mut self, kept: Vec<KeptSwitch>) {
        self.lines.switches.restore(kept);
        for status in self.lines.switches.status(&self.settings) {
            self.out.notice(Notice::Feature(status));
        }
    }

    /// What the PBX tells of features, by lines or by `as-feature-event`.
    pub(super) fn features_told(&mut self, now: Now, event: &WatchEvent) {
        match event {
            WatchEvent::Line { account, target, line } => {
                let Some(switch) = self.lines.switched(&self.settings, *account, target) else { return };
                let which = self.which(*account, switch, None);
                match line.state {
                    LineState::Unknown => self.untold(&which),
                    // A line does not say where calls go; where it was set here, that is known.
                    state => {
                        let on = state != LineState::Idle;
                        let to = self.lines.switches.get(&which).and_then(|it| it.to.clone());
                        self.put(which, on, to.filter(|_| on), SwitchKnown::Pbx);
                    }
                }
            }
            WatchEvent::Features { account, features } => {
                for feature in features {
                    let (switch, on, to) = match feature {
                        FeatureInfo::DoNotDisturb { on } => (Switch::Dnd, *on, None),
                        FeatureInfo::Forward { when, on, to } => (Switch::from(*when), *on, to.clone()),
                    };
                    let to = to.map(|to| crate::plain::plain(&to)).filter(|_| on);
                    self.put(self.which(*account, switch, None), on, to, SwitchKnown::Pbx);
                }
            }
            WatchEvent::State { account, watched, state } if *state != Subscribed::Active => {
                match watched.package {
                    Package::Line => {
                        if let Some(switch) = self.lines.switched(&self.settings, *account, &watched.target) {
                            self.untold(&self.which(*account, switch, None));
                        }
                    }
                    Package::Features => self.all_untold(*account),
                    _ => return,
                }
            }
            _ => return,
        }
        let (codes, mut cx) = self.codes_at(now);
        let over = codes.told(&mut cx);
        self.code_over(now, over);
    }

    fn untold(&mut self, which: &Which) {
        let changed = self.lines.switches.untold(which);
        self.tell_switch(changed);
    }

    /// An account is not registered any more, or its PBX tells nothing: what it told is not known.
    pub(super) fn all_untold(&mut self, account: AccountId) {
        let aor = self.which(account, Switch::Dnd, None).aor;
        for which in self.lines.switches.told(&aor) {
            self.untold(&which);
        }
    }
}

/// The code for a change.
fn code<'a>(codes: &'a Codes, which: &Which, on: bool) -> Option<&'a Code> {
    match (which.switch, on) {
        (Switch::Dnd, true) => &codes.dnd_on,
        (Switch::Dnd, false) => &codes.dnd_off,
        (Switch::ForwardAlways, true) => &codes.forward_always,
        (Switch::ForwardAlways, false) => &codes.forward_always_off,
        (Switch::ForwardBusy, true) => &codes.forward_busy,
        (Switch::ForwardBusy, false) => &codes.forward_busy_off,
        (Switch::ForwardNoAnswer, true) => &codes.forward_no_answer,
        (Switch::ForwardNoAnswer, false) => &codes.forward_no_answer_off,
        (Switch::Queue, true) => &codes.queue_in,
        (Switch::Queue, false) => &codes.queue_out,
        (Switch::QueuePause, true) => &codes.queue_pause,
        (Switch::QueuePause, false) => &codes.queue_resume,
    }
    .as_ref()
}
