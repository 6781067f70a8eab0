//! The one door: events come in with the time, effects go out, and the next deadline is told.

mod faults;
mod features;
mod sent;
mod switching;
mod texts;
mod transfer;
mod user;

use crate::{
    action::{Action, Notice, QuestionStatus, Refusal, Reply, RequestId, Source},
    calls::{Calls, Invite},
    codes::Codes,
    context::Context,
    faults::Faults,
    id::AccountId,
    lines::Lines,
    messages::Messages,
    notes::Notes,
    number::Dialplan,
    number::kind::Number,
    outbox::Outbox,
    plain::plain,
    port::{
        Effect, Event, Neighbour,
        host::{HostEvent, PluginInfo},
        media::{AudioState, MediaEvent},
        shell::{Part, ShellEvent},
        sip::{PhoneCommand, PhoneEvent, Registration, SipCommand, SipEvent},
        store::StoreEvent,
    },
    question::Questions,
    registration::Accounts,
    sent::Sent,
    settings::{AudioBackend, Settings},
    show,
    text::{self, Phrase},
    time::Now,
    timers::{Deadline, Timers},
    view::View,
    watch::Watches,
};
use std::{collections::BTreeMap, time::Instant};

/// The call core: a state machine without clock, socket or thread.
///
/// After each [`Agent::handle`] the effects are drained to the last with [`Agent::poll_effect`], and an
/// [`Event::Timeout`] is due at [`Agent::poll_timeout`].
#[derive(Debug)]
pub struct Agent {
    settings: Settings,
    /// The settings came.
    started: bool,
    accounts: Accounts,
    calls: Calls,
    questions: Questions,
    /// The question that listeners were told of.
    asked: Option<u64>,
    watches: Watches,
    messages: Messages,
    lines: Lines,
    codes: Codes,
    /// Where others send us, while the user is asked.
    sent: Vec<Sent>,
    /// What was called last and over which account, for who wants it again, and whether our number was hidden; never an
    /// emergency number.
    last_dialled: Option<(Number, AccountId, bool)>,
    notes: Notes,
    numbers: Dialplan,
    out: Outbox,
    timers: Timers,
    plugins: Vec<PluginInfo>,
    audio: Option<AudioState>,
    /// Why the journal cannot be written.
    unwritten: Option<String>,
    problems: BTreeMap<Part, String>,
    faults: Faults,
    more_toast: u64,
    missed_toast: u64,
    quitting: bool,
    finished: bool,
    /// Something may look different.
    dirty: bool,
    shown: View,
    /// What is shown must be drawn again, changed or not.
    redraw: bool,
}

impl Default for Agent {
    fn default() -> Self {
        Self::new()
    }
}

impl Agent {
    /// An agent that waits for its settings.
    pub fn new() -> Self {
        let settings = Settings::default();
        let mut notes = Notes::default();
        Self {
            numbers: Dialplan::new(&settings.numbers),
            settings,
            started: false,
            accounts: Accounts::default(),
            calls: Calls::new(),
            questions: Questions::default(),
            asked: None,
            watches: Watches::default(),
            messages: Messages::default(),
            lines: Lines::default(),
            codes: Codes::default(),
            sent: Vec::new(),
            last_dialled: None,
            more_toast: notes.id(),
            missed_toast: notes.id(),
            notes,
            out: Outbox::default(),
            timers: Timers::default(),
            plugins: Vec::new(),
            audio: None,
            unwritten: None,
            problems: BTreeMap::new(),
            faults: Faults::default(),
            quitting: false,
            finished: false,
            dirty: true,
            shown: View::default(),
            redraw: false,
        }
    }

    /// Takes one event. What it leads to waits in [`Agent::poll_effect`].
    pub fn handle(&mut self, now: Now, event: Event) {
        while let Some((when, call)) = self.calls.next_fresh() {
            let (calls, mut cx) = self.calls_at(when);
            calls.introduce(&mut cx, call);
        }
        // Facts come once a second and call; nothing drawn depends on them.
        self.dirty |= !matches!(event, Event::Media(MediaEvent::Facts { .. } | MediaEvent::Digit { .. }));
        match event {
            Event::User { request, action } => {
                // A hotkey, a menu or a browser reads no reply: what is refused is shown.
                let unread = request.is_none()
                    || matches!(&action, Action::Dial { source, .. } if *source != Source::Typed);
                let action = if request.is_none() { self.meant(action) } else { action };
                let about = Self::about(&action);
                match self.user(now, request, action) {
                    Ok(None) => {}
                    Ok(Some(reply)) => self.reply(request, Ok(reply)),
                    Err(refusal) => self.refused(now, request, (unread, about), refusal),
                }
            }
            _ if self.finished => {}
            // What a session said before it broke came before the word that it did.
            Event::Sip(_) if self.faults.is_down(Neighbour::Sip) => {}
            Event::Sip(event) => self.sip(now, event),
            Event::Media(event) => self.media(now, event),
            Event::Host(event) => self.host(now, event),
            Event::Store(event) => self.store(now, event),
            Event::Shell(event) => self.shell(now, event),
            Event::Broken(who) => self.broken(now, who),
            Event::Restarted(who) => self.restarted(now, who),
            Event::Timeout => {
                while let Some(deadline) = self.timers.due(now.at) {
                    self.deadline(now, deadline);
                }
            }
        }
        self.treat(now);
        self.publish(now);
        self.drop_unasked(now);
        self.tell_question();
    }

    /// The next effect, in this order: commands to PBX and audio, the view, everything that is told afterwards.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        if let Some(effect) = self.out.pop_first() {
            return Some(effect);
        }
        while let Some((when, call)) = self.calls.next_fresh() {
            let (calls, mut cx) = self.calls_at(when);
            calls.introduce(&mut cx, call);
            if let Some(effect) = self.out.pop_first() {
                return Some(effect);
            }
        }
        if std::mem::take(&mut self.dirty) {
            let view = show::view(&self.state());
            if std::mem::take(&mut self.redraw) || view != self.shown {
                self.tell_toasts(&view);
                self.shown = view.clone();
                return Some(Effect::View(Box::new(view)));
            }
        }
        self.out.pop_rest()
    }

    /// When an [`Event::Timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    fn calls_at(&mut self, now: Now) -> (&mut Calls, Context<'_>) {
        let Self { settings, numbers, out, timers, notes, lines, calls, .. } = self;
        (calls, Context { now, settings, numbers, out, timers, notes, lines })
    }

    fn accounts_at(&mut self, now: Now) -> (&mut Accounts, Context<'_>) {
        let Self { settings, numbers, out, timers, notes, lines, accounts, .. } = self;
        (accounts, Context { now, settings, numbers, out, timers, notes, lines })
    }

    fn watches_at(&mut self, now: Now) -> (&mut Watches, Context<'_>) {
        let Self { settings, numbers, out, timers, notes, lines, watches, .. } = self;
        (watches, Context { now, settings, numbers, out, timers, notes, lines })
    }

    fn messages_at(&mut self, now: Now) -> (&mut Messages, Context<'_>) {
        let Self { settings, numbers, out, timers, notes, lines, messages, .. } = self;
        (messages, Context { now, settings, numbers, out, timers, notes, lines })
    }

    fn codes_at(&mut self, now: Now) -> (&mut Codes, Context<'_>) {
        let Self { settings, numbers, out, timers, notes, lines, codes, .. } = self;
        (codes, Context { now, settings, numbers, out, timers, notes, lines })
    }

    fn questions_at(&mut self, now: Now) -> (&mut Questions, Context<'_>) {
        let Self { settings, numbers, out, timers, notes, lines, questions, .. } = self;
        (questions, Context { now, settings, numbers, out, timers, notes, lines })
    }

    /// Tells SIP how the PBX of each account wants to be treated, and what it tells of features is asked for.
    fn treat(&mut self, now: Now) {
        let handed = self.accounts.all().filter(|(_, account)| account.handed()).map(|(id, _)| id);
        let news = self.lines.treat(&self.settings, handed);
        for (account, how) in news.treatments {
            self.out.sip(SipCommand::Phone(PhoneCommand::Treat { account, how }));
        }
        for account in news.watches {
            let (watches, mut cx) = self.watches_at(now);
            watches.wanted(&mut cx, account);
        }
    }

    fn state(&self) -> show::State<'_> {
        show::State {
            language: self.settings.language,
            started: self.started,
            quitting: self.quitting,
            accounts: &self.accounts,
            calls: &self.calls,
            questions: &self.questions,
            notes: &self.notes,
            watches: &self.watches,
            lines: &self.lines,
            settings: &self.settings,
            more_toast: self.more_toast,
            missed_toast: self.missed_toast,
            plugins: self.plugins.iter().any(|p| p.problem.is_none()),
        }
    }

    /// Listeners hear of every question, and that it is over.
    fn tell_question(&mut self) {
        let open = self.questions.status();
        let now = open.as_ref().map(|open| open.question);
        if now == self.asked {
            return;
        }
        if let Some(question) = std::mem::replace(&mut self.asked, now) {
            let over = QuestionStatus { question, text: None, choices: Vec::new() };
            self.out.notice(Notice::Question(over));
        }
        if let Some(open) = open {
            self.out.notice(Notice::Question(open));
        }
    }

    /// Listeners hear of every toast that goes up, changes or comes down.
    fn tell_toasts(&mut self, view: &View) {
        let told = |t: &crate::view::ToastView| (t.title.clone(), t.line.clone());
        for old in &self.shown.toasts {
            if !view.toasts.iter().any(|t| t.id == old.id) {
                self.out.notice(Notice::Toast { toast: old.id, call: old.call, text: None });
            }
        }
        for new in &view.toasts {
            let before = self.shown.toasts.iter().find(|t| t.id == new.id);
            if before.map(told) != Some(told(new)) {
                self.out.notice(Notice::Toast { toast: new.id, call: new.call, text: Some(told(new)) });
            }
        }
    }

    fn reply(&mut self, request: Option<RequestId>, result: Result<Reply, Refusal>) {
        match (request, result) {
            (Some(request), result) => self.out.last(Effect::Reply { request, result }),
            (None, Err(refusal)) => self.out.notice(Notice::Error { text: refusal.text }),
            (None, Ok(_)) => {}
        }
    }

    fn say(&self, phrase: &Phrase, filled: &[&str]) -> String {
        phrase.say(self.settings.language, filled)
    }

    fn sip(&mut self, now: Now, event: SipEvent) {
        let quitting = self.quitting;
        self.code_sip(now, &event);
        match event {
            SipEvent::Registration { account, state } => {
                let (accounts, mut cx) = self.accounts_at(now);
                accounts.changed(&mut cx, account, state.clone());
                let (watches, mut cx) = self.watches_at(now);
                watches.registration(&mut cx, account, &state);
                if state != Registration::Registered {
                    self.all_untold(account);
                }
            }
            SipEvent::Address { account, local } => {
                if let Some(before) = self.accounts.moved(account, local) {
                    let (calls, mut cx) = self.calls_at(now);
                    calls.moved(&mut cx, account, (before, local));
                }
            }
            SipEvent::Watch(event) => {
                self.features_told(now, &event);
                let (watches, mut cx) = self.watches_at(now);
                watches.told(&mut cx, event);
            }
            SipEvent::Transfer(event) => self.handed_over(now, event),
            SipEvent::Message(event) => self.texted(now, event),
            SipEvent::Phone(PhoneEvent::Pbx { account, product }) => self.lines.product(account, &product),
            SipEvent::Down => self.finish(),
            SipEvent::Incoming { call, account, party, called, local, offer, with, unfit } => {
                let (calls, mut cx) = self.calls_at(now);
                let invite = Invite { call, account, party, called, local, offer, with: *with, unfit };
                calls.incoming(&mut cx, invite, quitting);
            }
            event => self.call_event(now, event),
        }
    }

    fn call_event(&mut self, now: Now, event: SipEvent) {
        let (calls, mut cx) = self.calls_at(now);
        let cx = &mut cx;
        match event {
            SipEvent::Progress { call, status, answer } => calls.progress(cx, call, status, answer),
            SipEvent::Answered { call, answer } => calls.answered(cx, call, answer),
            SipEvent::Confirmed { call, answer } => calls.confirmed(cx, call, answer),
            SipEvent::Reoffer { call, offer } => calls.reoffer(cx, call, offer),
            SipEvent::ReofferAnswered { call, answer } => calls.reoffer_answered(cx, call, answer),
            SipEvent::ReofferRefused { call, status } => calls.reoffer_refused(cx, call, status),
            SipEvent::Ended { call, end } => calls.ended(cx, call, &end),
            SipEvent::Party { call, party } => calls.party_is(cx, call, party),
            SipEvent::Phone(PhoneEvent::Refresh { call }) => calls.refresh(cx, call),
            SipEvent::Phone(PhoneEvent::Moved { call, to }) => calls.redirected(cx, call, to),
            SipEvent::Phone(event) => calls.told(cx, &event),
            SipEvent::Registration { .. }
            | SipEvent::Address { .. }
            | SipEvent::Incoming { .. }
            | SipEvent::Transfer(_)
            | SipEvent::Watch(_)
            | SipEvent::Message(_)
            | SipEvent::Down => {}
        }
    }

    fn media(&mut self, now: Now, event: MediaEvent) {
        if let MediaEvent::Audio(audio) = event {
            self.audio = Some(audio);
            return self.say_audio(now);
        }
        self.code_media(now, &event);
        let (calls, mut cx) = self.calls_at(now);
        let cx = &mut cx;
        match event {
            MediaEvent::Offered { call, sdp } => calls.offered(cx, call, sdp),
            MediaEvent::Accepted { call, sdp, flow } => calls.accepted(cx, call, sdp, flow),
            MediaEvent::Completed { call, flow } => calls.completed(cx, call, flow),
            MediaEvent::Refused { call, why } => calls.refused(cx, call, &why),
            MediaEvent::Facts { call, facts } => calls.facts(cx, call, facts),
            MediaEvent::Silent { call } => calls.silent(cx, call, true),
            MediaEvent::Heard { call } => calls.silent(cx, call, false),
            MediaEvent::Digit { call, digit } => calls.digit(cx, call, digit),
            MediaEvent::Events { call, known } => calls.events_known(call, known),
            MediaEvent::Audio(_) => {}
        }
    }

    /// Silence that nobody chose is said aloud, and so is another device than the chosen one. Before the settings are
    /// there nobody knows what was chosen.
    fn say_audio(&mut self, now: Now) {
        let Some(audio) = self.audio.clone().filter(|_| self.started) else { return };
        let chosen = self.settings.audio.backend == AudioBackend::Null;
        let title = self.say(&text::NO_SOUND, &[]);
        let (_, mut cx) = self.calls_at(now);
        match &audio {
            AudioState::Null { why } if !chosen => cx.trouble("audio", None, title, plain(why)),
            _ => cx.notes.over("audio"),
        }
        match &audio {
            AudioState::Device { missing, .. } if !missing.is_empty() => {
                let title = cx.say(&text::DEVICE_MISSING, &[]);
                let line = cx.say(&text::DEVICE_INSTEAD, &[&plain(&missing.join(", "))]);
                cx.trouble("audio device", None, title, line);
            }
            _ => cx.notes.over("audio device"),
        }
    }

    fn host(&mut self, now: Now, event: HostEvent) {
        if let HostEvent::Plugins(plugins) = event {
            self.plugins = plugins;
            return;
        }
        let (calls, mut cx) = self.calls_at(now);
        let cx = &mut cx;
        match event {
            HostEvent::Found { call, card } => calls.found(cx, call, card),
            HostEvent::NotFound { plugin, error, .. } => calls.not_found(cx, &plugin, error.as_deref()),
            HostEvent::LookupDone { call } => calls.lookup_over(cx, call),
            HostEvent::OpenRecord { call, plugin, url } => calls.offered_record(cx, call, &plugin, url),
            HostEvent::Trouble { plugin, what } => cx.plugin_trouble(&plugin, what),
            HostEvent::Plugins(_) => {}
        }
    }

    fn store(&mut self, now: Now, event: StoreEvent) {
        match event {
            StoreEvent::Settings(settings) => {
                self.numbers.configure(&settings.numbers);
                self.settings = *settings;
                self.started = true;
                if !self.quitting {
                    let settings = self.settings.clone();
                    let (accounts, mut cx) = self.accounts_at(now);
                    accounts.apply(&mut cx, &settings);
                    self.watches.apply(&settings);
                    self.lines.apply(&settings);
                    self.say_audio(now);
                }
            }
            StoreEvent::Password { question, result } if !self.quitting => {
                let (accounts, mut cx) = self.accounts_at(now);
                let handed = result.is_ok();
                accounts.password(&mut cx, &question, result);
                if handed {
                    self.lines.handed(question.account);
                    let (watches, mut cx) = self.watches_at(now);
                    watches.handed(&mut cx, question.account);
                }
            }
            StoreEvent::Password { .. } => {}
            StoreEvent::Profiles(profiles) => self.lines.profiles(profiles),
            StoreEvent::Kept(kept) => self.restore(kept),
            StoreEvent::Dialled(numbers) => self.remember(&numbers),
            StoreEvent::Trouble(sentence) => {
                let title = self.say(&text::STORE_FAILED, &[]);
                let (_, mut cx) = self.calls_at(now);
                cx.trouble(&format!("store {sentence}"), None, title, sentence);
            }
            StoreEvent::Journal(problem) => {
                if self.unwritten == problem {
                    return;
                }
                self.unwritten = problem.clone();
                let title = self.say(&text::STORE_FAILED, &[]);
                let (_, mut cx) = self.calls_at(now);
                cx.notes.over("journal");
                if let Some(sentence) = problem {
                    cx.trouble("journal", None, title, sentence);
                }
            }
        }
    }

    fn shell(&mut self, now: Now, event: ShellEvent) {
        match event {
            ShellEvent::Part { part, problem: None } => {
                self.problems.remove(&part);
                self.notes.over(&format!("part {part:?}"));
            }
            ShellEvent::Part { part, problem: Some(problem) } => {
                self.problems.insert(part, problem.clone());
                let title = self.say(&text::DESKTOP_PART, &[]);
                let (_, mut cx) = self.calls_at(now);
                cx.trouble(&format!("part {part:?}"), None, title, problem);
            }
            ShellEvent::OpenFailed { why } => {
                let title = self.say(&text::PAGE_FAILED, &[]);
                let (_, mut cx) = self.calls_at(now);
                cx.error(cx.say(&text::TOLD, &[&title, &why]));
                cx.inform(None, title, plain(&why));
            }
        }
    }

    fn deadline(&mut self, now: Now, deadline: Deadline) {
        match deadline {
            Deadline::Note(id) => return self.notes.drop_note(id),
            Deadline::Tone => return self.calls.tone_over(),
            Deadline::Quit => return self.finish(),
            Deadline::Restart(who) => return self.restart(who),
            Deadline::Steady(who) => return self.steady(who),
            Deadline::Code(id) => return self.code_overdue(now, id),
            Deadline::Password(id) => {
                let (accounts, mut cx) = self.accounts_at(now);
                return accounts.unanswered(&mut cx, id);
            }
            Deadline::Question => {
                let (questions, mut cx) = self.questions_at(now);
                return questions.close(&mut cx);
            }
            _ => {}
        }
        let (calls, mut cx) = self.calls_at(now);
        let cx = &mut cx;
        match deadline {
            Deadline::Ring(id) => calls.rung_out(cx, id),
            Deadline::Step(id) => calls.overdue(cx, id),
            Deadline::Lookup(id) => calls.lookup_over(cx, id),
            Deadline::Retry(id) => calls.retry(cx, id),
            Deadline::Transfer(id) => calls.transfer_overdue(cx, id),
            Deadline::Auto(id) => calls.answer_itself(cx, id),
            Deadline::Help(id) => calls.help_is_silent(cx, id),
            Deadline::Flood => calls.sum_up(cx),
            Deadline::Note(_)
            | Deadline::Tone
            | Deadline::Quit
            | Deadline::Question
            | Deadline::Restart(_)
            | Deadline::Steady(_)
            | Deadline::Code(_)
            | Deadline::Password(_) => {}
        }
    }

    /// The PBX session is down, or had its time. Asked for or not, nothing more can happen without it.
    fn finish(&mut self) {
        if self.quitting && !self.finished {
            self.finished = true;
            self.timers.clear_all();
            self.out.last(Effect::Finished);
        }
    }
}
