//! What plugins tell of a caller, and when the record's page opens.

use super::board::Calls;
use crate::{
    action::Notice, call::Call, caller::CallerCard, context::Context, id::CallId, lookup::Page,
    settings::OpenRule, text, timers::Deadline,
};

impl Calls {
    /// A plugin knows the caller. Later cards than the deadline's count as well, while the call exists.
    pub(crate) fn found(&mut self, cx: &mut Context<'_>, id: CallId, card: CallerCard) {
        cx.notes.over(&format!("plugin {}", card.source));
        let Some(call) = self.call(id) else { return };
        if call.lookup.found(card) {
            self.record(cx, id);
            self.pop_if_due(cx, id);
        }
    }

    /// A plugin does not know the caller, or failed.
    pub(crate) fn not_found(&mut self, cx: &mut Context<'_>, plugin: &str, error: Option<&str>) {
        let topic = format!("plugin {plugin}");
        match error {
            None => cx.notes.over(&topic),
            Some(error) => {
                let title = cx.say(&text::PLUGIN_FAILED, &[&crate::plain::plain(plugin)]);
                cx.trouble(&topic, None, title, crate::plain::plain(error));
            }
        }
    }

    /// Nobody is waited for any more.
    pub(crate) fn lookup_over(&mut self, cx: &mut Context<'_>, id: CallId) {
        cx.timers.clear(Deadline::Lookup(id));
        if let Some(call) = self.call(id) {
            call.lookup.stop();
        }
    }

    /// The plugins are gone: nobody is waited for in any call.
    pub(crate) fn lookups_over(&mut self, cx: &mut Context<'_>) {
        let ids: Vec<CallId> = self.map.keys().copied().collect();
        for id in ids {
            self.lookup_over(cx, id);
        }
    }

    /// A plugin offers a record outside a lookup: the user's rule decides whether it opens.
    pub(crate) fn offered_record(&mut self, cx: &mut Context<'_>, id: CallId, plugin: &str, url: String) {
        let Some(call) = self.call(id) else { return };
        if call.lookup.take_page(plugin, url) {
            self.pop_if_due(cx, id);
        }
    }

    /// Opens the record by the user's rule, once a call.
    pub(super) fn pop_if_due(&mut self, cx: &mut Context<'_>, id: CallId) {
        let Some(call) = self.call(id) else { return };
        let due = match cx.settings.screen_pop.open {
            OpenRule::Answer => call.up(),
            OpenRule::Ring => true,
            OpenRule::Never => false,
        };
        if !due || call.popped {
            return;
        }
        if let Some(page) = call.lookup.page().cloned() {
            call.popped = true;
            open(cx, id, page);
        }
    }

    /// The user wants to see the record, of a call that lasts or of one whose toast is still up.
    pub(crate) fn open_record(&mut self, cx: &mut Context<'_>, id: CallId) -> bool {
        let page = self.get(id).map_or_else(|| cx.notes.page(id).cloned(), page_of);
        let Some(page) = page else { return false };
        if let Some(call) = self.call(id) {
            call.popped = true;
        }
        open(cx, id, page);
        true
    }
}

fn page_of(call: &Call) -> Option<Page> {
    call.lookup.page().cloned()
}

fn open(cx: &mut Context<'_>, call: CallId, page: Page) {
    cx.out.open_url(page.url.clone());
    cx.out.notice(Notice::ScreenPop { call, source: page.source, url: page.url });
}
