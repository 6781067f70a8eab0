//! The subscriptions of all accounts: what is wanted, when each has its turn, and whose a NOTIFY is.

use crate::{
    auth::DigestClient,
    dialog::DialogId,
    endpoint::model::Endpoint,
    flow::Flow,
    line::Line,
    message::{Request, Response, Uri},
    registration::{Registration, Standing},
    subscription::{Desk, Publication, Road, Subscription, Turn, Watches, unasked, watched},
    transaction::{TransactionEvent, TransactionId},
    wire::{Owner, Wire},
};
use agent_core::{
    id::AccountId,
    port::sip::{
        SipEvent, WatchCommand, WatchEvent,
        watch::{PresenceInfo, Subscribed, Watched},
    },
    settings::AccountSettings,
};

impl Endpoint {
    /// What the core asks.
    pub(super) fn watch(&mut self, command: WatchCommand) {
        match command {
            WatchCommand::Watch { account, watched } => {
                if let Some(desk) = self.watches.desks.get_mut(&account) {
                    desk.asked = watched;
                    self.reconcile(account);
                }
            }
            WatchCommand::Publish { account, presence } => {
                if self.watches.desks.get(&account).is_some_and(|desk| desk.publishes) {
                    self.publish(account, Some(presence));
                }
            }
        }
    }

    /// An account begins, or begins anew with other settings or another password.
    pub(super) fn open_desk(
        &mut self,
        account: AccountId,
        settings: &AccountSettings,
        (line, auth): (Line, DigestClient),
    ) {
        let rate = self.wire.config.subscribes_per_second;
        let desk = self.watches.desks.entry(account).or_insert_with(|| Desk::new(line, auth.clone(), rate));
        desk.auth = auth;
        desk.settings = watched(settings);
        desk.publishes = settings.publish;
        if !settings.publish {
            self.publish(account, None);
        }
        self.reconcile(account);
    }

    /// An account leaves: its subscriptions are ended as far as the pace allows; the rest lapses by itself.
    pub(super) fn close_desk(&mut self, account: AccountId) {
        for number in self.of_account(account) {
            self.settle_subscription(number, |subscription, _, wire| subscription.leave(wire));
        }
        if let Some(desk) = self.watches.desks.get_mut(&account) {
            desk.by.clear();
        }
        self.publish(account, None);
        self.take_turns(account);
    }

    /// Another line takes the account's place.
    pub(super) fn drop_desk(&mut self, account: AccountId) {
        self.close_desk(account);
        for number in self.of_account(account) {
            self.settle_subscription(number, |subscription, _, wire| subscription.abandon(wire));
        }
        self.watches.desks.remove(&account);
        self.watches.publications.remove(&account);
        self.deadlines.set(Owner::Publication(account), None);
        self.deadlines.set(Owner::Desk(account), None);
    }

    /// After something happened to a registration: its subscriptions follow it.
    pub(super) fn desk_follows(&mut self, number: u64) {
        let Some(registration) = self.registrations.get(&number) else { return };
        let Some(account) = registration.account() else { return };
        let road = match registration.standing() {
            Standing::Busy => return,
            Standing::Up(road) => {
                let (flow, contact, routes) = *road;
                Some(Road { flow, contact, routes })
            }
            Standing::Down => None,
        };
        let Some(desk) = self.watches.desks.get_mut(&account).filter(|desk| desk.road != road) else {
            return;
        };
        let down = road.is_none();
        desk.road = road;
        if down {
            desk.clear_queue();
        }
        for number in self.of_account(account) {
            self.settle_subscription(number, |subscription, _, wire| {
                if down { subscription.lost(wire) } else { subscription.begin(wire) }
            });
        }
        self.with_publication(account, |publication, desk, wire| publication.road(wire, desk));
        self.take_turns(account);
    }

    /// Makes the subscriptions of an account those that are wanted.
    fn reconcile(&mut self, account: AccountId) {
        let Some(desk) = self.watches.desks.get_mut(&account) else { return };
        let wanted = desk.wanted();
        let gone: Vec<u64> =
            desk.by.iter().filter(|(it, _)| !wanted.contains(it)).map(|(_, at)| *at).collect();
        desk.by.retain(|it, _| wanted.contains(it));
        let new: Vec<Watched> = wanted.into_iter().filter(|it| !desk.by.contains_key(it)).collect();
        for number in gone {
            self.settle_subscription(number, |subscription, _, wire| subscription.leave(wire));
        }
        for watched in new {
            self.subscribe(account, watched);
        }
        self.take_turns(account);
    }

    fn subscribe(&mut self, account: AccountId, watched: Watched) {
        let Some(desk) = self.watches.desks.get_mut(&account) else { return };
        let target = match watched.target.as_str() {
            "" => Ok(desk.line.address().uri),
            text => desk.line.target(text),
        };
        let target = match target {
            Ok(target) => target,
            Err(phrase) => {
                let state = Subscribed::Refused { status: 0, phrase };
                return self.wire.tell(SipEvent::Watch(WatchEvent::State { account, watched, state }));
            }
        };
        self.watches.last += 1;
        let number = self.watches.last;
        desk.by.insert(watched.clone(), number);
        let up = desk.road.is_some();
        let subscription = Subscription::new(&mut self.wire, number, account, (watched, target));
        self.watches.tags.insert(subscription.tags(), number);
        self.watches.subscriptions.insert(number, subscription);
        if up {
            self.settle_subscription(number, |subscription, _, wire| subscription.begin(wire));
        }
    }

    fn of_account(&self, account: AccountId) -> Vec<u64> {
        let all = self.watches.subscriptions.iter();
        all.filter(|(_, subscription)| subscription.account() == account).map(|(number, _)| *number).collect()
    }

    /// Runs `with` on a subscription, then files its deadline and its names, or forgets it, and lets who may go.
    pub(super) fn with_subscription<T: Default>(
        &mut self,
        number: u64,
        with: impl FnOnce(&mut Subscription, &mut Desk, &mut Wire) -> T,
    ) -> T {
        let Some(account) = self.watches.subscriptions.get(&number).map(Subscription::account) else {
            return T::default();
        };
        let result = self.settle_subscription(number, with);
        self.take_turns(account);
        result
    }

    fn settle_subscription<T: Default>(
        &mut self,
        number: u64,
        with: impl FnOnce(&mut Subscription, &mut Desk, &mut Wire) -> T,
    ) -> T {
        let Watches { desks, subscriptions, tags, .. } = &mut self.watches;
        let Some(subscription) = subscriptions.get_mut(&number) else { return T::default() };
        let Some(desk) = desks.get_mut(&subscription.account()) else { return T::default() };
        let before = subscription.tags();
        let result = with(subscription, desk, &mut self.wire);
        let (over, now) = (subscription.is_over(), subscription.tags());
        if over || before != now {
            tags.remove(&before);
        }
        if !over && before != now {
            tags.insert(now, number);
        }
        if let Some(turn) = subscription.take_turn().filter(|_| !over) {
            desk.queue(number, turn == Turn::Hurried);
        }
        self.deadlines.set(Owner::Subscription(number), subscription.deadline().filter(|_| !over));
        if over {
            if desk.by.get(subscription.watched()) == Some(&number) {
                desk.by.remove(subscription.watched());
            }
            subscriptions.remove(&number);
        }
        result
    }

    /// Lets those go whose turn it is, and wakes for the next.
    pub(super) fn take_turns(&mut self, account: AccountId) {
        loop {
            let now = self.wire.now;
            let Some(desk) = self.watches.desks.get_mut(&account) else { return };
            let next = desk.next(now);
            if next.is_none_or(|at| at > now) {
                return self.deadlines.set(Owner::Desk(account), next);
            }
            let Some(number) = desk.take() else { return };
            let went =
                self.settle_subscription(number, |subscription, desk, wire| subscription.go(wire, desk));
            if let Some(desk) = self.watches.desks.get_mut(&account).filter(|_| went) {
                desk.pace.left(now);
            }
        }
    }

    /// What a transaction of a subscription's tells.
    pub(super) fn subscription_event(&mut self, number: u64, event: &TransactionEvent) {
        let account = self.watches.subscriptions.get(&number).map(Subscription::account);
        self.bind_desk(account, event);
        self.with_subscription(number, |subscription, desk, wire| match event {
            TransactionEvent::Response { id, response } => subscription.response(wire, desk, *id, response),
            TransactionEvent::TimedOut { id } | TransactionEvent::Failed { id, .. } => {
                subscription.unanswered(wire, desk, *id);
            }
            _ => {}
        });
        self.doubt(account, 481, event);
    }

    /// What is published of ourselves; `None` takes it away.
    fn publish(&mut self, account: AccountId, presence: Option<PresenceInfo>) {
        if presence.is_some() && !self.watches.publications.contains_key(&account) {
            let publication = Publication::new(&mut self.wire, account);
            self.watches.publications.insert(account, publication);
        }
        self.with_publication(account, |publication, desk, wire| publication.want(wire, desk, presence));
    }

    /// Runs `with` on what an account publishes, and files its deadline.
    pub(super) fn with_publication(
        &mut self,
        account: AccountId,
        with: impl FnOnce(&mut Publication, &mut Desk, &mut Wire),
    ) {
        let Watches { desks, publications, .. } = &mut self.watches;
        let (Some(desk), Some(publication)) = (desks.get_mut(&account), publications.get_mut(&account))
        else {
            return;
        };
        with(publication, desk, &mut self.wire);
        self.deadlines.set(Owner::Publication(account), publication.deadline());
    }

    /// What a transaction of a publication's tells.
    pub(super) fn publication_event(&mut self, account: AccountId, event: &TransactionEvent) {
        self.bind_desk(Some(account), event);
        self.with_publication(account, |publication, desk, wire| match event {
            TransactionEvent::Response { id, response } => publication.response(wire, desk, *id, response),
            TransactionEvent::TimedOut { id } | TransactionEvent::Failed { id, .. } => {
                publication.unanswered(wire, *id);
            }
            _ => {}
        });
        self.doubt(Some(account), 412, event);
    }

    /// A challenge to something an account asked for beside its calls is answered as one to a call is: as strong as the
    /// registrar's, and to nobody else.
    pub(super) fn bind_desk(&mut self, account: Option<AccountId>, event: &TransactionEvent) {
        let challenge = |response: &Response| matches!(response.status, 401 | 407);
        let TransactionEvent::Response { response, .. } = event else { return };
        let Some(account) = account.filter(|_| challenge(response)) else { return };
        let registration = self.accounts.get(&account).and_then(|number| self.registrations.get(number));
        let desk = self.watches.desks.get_mut(&account);
        if let (Some(registration), Some(desk)) = (registration, desk) {
            desk.auth.bound_as(&registration.credentials());
        }
    }

    /// With `status` a PBX says that it has forgotten what it had agreed to.
    fn doubt(&mut self, account: Option<AccountId>, status: u16, event: &TransactionEvent) {
        let forgot =
            matches!(event, TransactionEvent::Response { response, .. } if response.status == status);
        let number = account.filter(|_| forgot).and_then(|account| self.accounts.get(&account).copied());
        if let Some(number) = number {
            self.with_registration(number, Registration::doubted);
        }
    }

    /// A NOTIFY, within one of our subscriptions or out of the blue.
    pub(super) fn notify(
        &mut self,
        id: TransactionId,
        request: &Request,
        flow: &Flow,
        dialog: Option<DialogId>,
    ) {
        let number =
            dialog.and_then(|dialog| self.watches.tags.get(&(dialog.call_id, dialog.local_tag)).copied());
        let Some(number) = number else { return self.unasked(id, request, flow) };
        let Some(account) = self.watches.subscriptions.get(&number).map(Subscription::account) else {
            return;
        };
        let registration = self.accounts.get(&account).copied();
        let user =
            registration.and_then(|at| self.registrations.get(&at)).map(|it| it.contact_user().to_owned());
        let own = |uri: &str| {
            let of = uri.parse::<Uri>().ok().and_then(|uri| uri.user_text());
            of.zip(user.as_ref()).is_some_and(|(of, user)| of.to_text() == user.as_str())
        };
        let noted = self
            .with_subscription(number, |subscription, _, wire| subscription.notified(wire, id, request, own));
        if let (Some(event), Some(registration)) = (noted.registration, registration) {
            self.with_registration(registration, |registration, wire| registration.questioned(wire, event));
        }
    }

    /// A NOTIFY nobody asked for: taken from an account's registrar when it is about voice mail, else 481.
    fn unasked(&mut self, id: TransactionId, request: &Request, flow: &Flow) {
        let account = self.account_of(request, flow).map(|(account, ..)| account);
        let from_registrar = |account: &AccountId| {
            let registration = self.accounts.get(account).and_then(|number| self.registrations.get(number));
            registration.is_some_and(|registration| registration.is_registrar(flow))
        };
        match account.filter(from_registrar).zip(unasked(request)) {
            Some((account, mailbox)) => {
                let tag = self.wire.rng.token(6);
                self.wire.respond(id, Response::to(request, 200, Some(&tag)));
                self.wire.tell(SipEvent::Watch(WatchEvent::Messages { account, mailbox }));
            }
            None => self.wire.refuse(id, request, 481),
        }
    }
}
