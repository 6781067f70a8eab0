//! The hotkey that dials what is selected, on the whole agent: from an editor, a terminal and a browser, one table of texts.

use agent_exchange::Extension;
use harness::{
    desktop::{Browser, Desktop, Editor, Monitor, Notice, Terminal, Toasts, Workplace, wait_for},
    wait::SOON,
};

type Outcome = Result<(), String>;

/// What a selected text leads to.
#[derive(Debug, Clone, Copy)]
enum Then {
    /// This number goes out, shown like this.
    Dials(&'static str, &'static str),
    /// The user is asked this, with these buttons before *Cancel*; pressing the given one does what follows.
    Asks(&'static str, &'static [&'static str], Press),
    /// Nothing goes out, and the reason holds these words.
    Refuses(&'static str),
}

/// Which button is pressed.
#[derive(Debug, Clone, Copy)]
enum Press {
    Cancel,
    /// The button of that place, which dials this number, shown like this.
    Dials(usize, &'static str, &'static str),
}

impl Then {
    /// The number that goes out in the end, if one does.
    fn number(self) -> Option<&'static str> {
        match self {
            Self::Dials(number, _) | Self::Asks(.., Press::Dials(_, number, _)) => Some(number),
            Self::Asks(.., Press::Cancel) | Self::Refuses(_) => None,
        }
    }
}

const SHOWN: &str = "+49 30 1234567";

/// One row a text.
const TABLE: [(&str, Then); 11] = [
    ("", Then::Refuses("nothing was given or selected")),
    ("+49 (0)30 / 123-45 67 ext. 12", Then::Dials("+49301234567", "+49 30 1234567, extension 12")),
    ("tel:+49-30-1234567", Then::Dials("+49301234567", SHOWN)),
    ("+49 30\n1234567", Then::Dials("+49301234567", SHOWN)),
    (
        "030 1234567\n040 7654321",
        Then::Asks(
            "Which number shall be called?",
            &[SHOWN, "+49 40 7654321"],
            Press::Dials(1, "0407654321", "+49 40 7654321"),
        ),
    ),
    ("alice@example.com", Then::Refuses("is an e-mail address, not a phone number")),
    ("23.11.2026", Then::Refuses("is a date, not a phone number")),
    ("DE89 3704 0044 0532 0130 00", Then::Refuses("is a bank account, not a phone number")),
    (
        "*21*0301234567#",
        Then::Asks(
            "*21*0301234567# is a code that may change settings of the PBX. Send it?",
            &["Call *21*0301234567#"],
            Press::Cancel,
        ),
    ),
    ("112", Then::Asks("Call the emergency number 112?", &["Call 112"], Press::Cancel)),
    ("ring 030 1234567 today", Then::Dials("0301234567", SHOWN)),
];

/// Presses the hotkey on what is selected, and judges what follows.
struct Bench {
    place: Workplace,
    monitor: Monitor,
}

impl Bench {
    fn set_up() -> Result<Self, String> {
        let place = Workplace::open(Toasts::Xfce)?;
        let monitor = place.desktop.monitor()?;
        Ok(Self { place, monitor })
    }

    fn desktop(&self) -> &Desktop {
        &self.place.desktop
    }

    /// Selects until the whole text is selected: a program that is still loading or scrolling it selects what it has, and
    /// says to nobody when it has all.
    fn reselect(&self, text: &str, mut select: impl FnMut(&Desktop) -> Outcome) -> Outcome {
        let mut tries = 0;
        wait_for("all of the text to be selected", || {
            tries += 1;
            select(self.desktop()).ok()?;
            (self.desktop().selected()?.trim_end() == text).then_some(())
        })
        .map_err(|error| format!("{error}, {tries} times"))
    }

    /// One row: the text is selected already, or will be in a moment.
    fn judge(&self, text: &str, then: Then) -> Outcome {
        let desktop = self.desktop();
        wait_for("the selection", || {
            (desktop.selected().as_deref().map(str::trim_end).unwrap_or_default() == text).then_some(())
        })
        .map_err(|error| {
            let selected: String = desktop.selected().unwrap_or_default().chars().take(80).collect();
            format!("{error}: {selected:?}")
        })?;
        let focus = desktop.focus()?;
        let (told, heard) = (self.place.agent.events().len(), self.monitor.count());
        desktop.key("ctrl+alt+c")?;
        match then {
            Then::Dials(number, shown) => self.dials(number, shown, (told, heard))?,
            Then::Asks(question, choices, press) => self.asks(question, choices, press, (told, heard))?,
            Then::Refuses(why) => self.refuses(why, heard)?,
        }
        if desktop.keys_down()? {
            return Err("a key is stuck".to_owned());
        }
        if desktop.focus()? != focus {
            return Err("the keyboard went elsewhere".to_owned());
        }
        Ok(())
    }

    /// The number goes out; nobody has it here, which is said under the name by which it is shown.
    fn dials(&self, number: &str, shown: &str, (told, heard): (usize, usize)) -> Outcome {
        let (call, _) = self.place.agent.wait_for("a call out", told, SOON, |event| {
            event["type"] == "call" && event["direction"] == "outgoing"
        });
        if call["party"]["number"] != number {
            return Err(format!("{number} was to be dialled, not {}", call["party"]["number"]));
        }
        let id = call["call"].as_u64().ok_or("a call without an id")?;
        self.place.wait_for_call(id, "terminated");
        let (title, body, _) = self.toast(heard)?;
        if title != shown || !body.contains("The PBX does not know this number") {
            return Err(format!("{shown} was to be named, not {title:?}: {body:?}"));
        }
        // Its tone ends, too.
        self.place.agent.command(&["hangup"]);
        Ok(())
    }

    fn asks(&self, question: &str, choices: &[&str], press: Press, (told, heard): (usize, usize)) -> Outcome {
        let desktop = self.desktop();
        let (title, _, actions) = self.toast(heard)?;
        let words: Vec<&str> = actions.iter().skip(1).step_by(2).map(String::as_str).collect();
        if title != question || words[..words.len().saturating_sub(1)] != *choices {
            return Err(format!(
                "{question:?} with {choices:?} was to be asked, not {title:?} with {words:?}"
            ));
        }
        if !self.place.calls().is_empty() {
            return Err("a call went out before the question was answered".to_owned());
        }
        let buttons = desktop.toast_with_buttons(&[], words.len())?;
        desktop.keep(&format!("agent-question-{}", choices.len()));
        let heard = self.monitor.count();
        match press {
            Press::Dials(at, number, shown) => {
                desktop.click(buttons[at], 1)?;
                self.dials(number, shown, (told, heard))
            }
            Press::Cancel => {
                desktop.click(buttons[words.len() - 1], 1)?;
                self.monitor.wait(heard, |_, notice| matches!(notice, Notice::Closed(..)).then_some(()))?;
                let calls = self.place.calls();
                if calls.is_empty() { Ok(()) } else { Err(format!("cancelled, and yet there is {calls:?}")) }
            }
        }
    }

    fn refuses(&self, why: &str, heard: usize) -> Outcome {
        let (title, body, _) = self.toast(heard)?;
        if title != "Nothing was dialled" || !body.contains(why) {
            return Err(format!("{why:?} was to be said, not {title:?}: {body:?}"));
        }
        let calls = self.place.calls();
        if calls.is_empty() { Ok(()) } else { Err(format!("refused, and yet there is {calls:?}")) }
    }

    /// The next toast: title, text, buttons.
    fn toast(&self, heard: usize) -> Result<(String, String, Vec<String>), String> {
        self.monitor.wait(heard, |_, notice| match notice {
            Notice::Notify { title, body, actions, .. } => {
                Some((title.clone(), body.clone(), actions.clone()))
            }
            _ => None,
        })
    }

    /// Every row.
    fn judge_all(&self, mut select: impl FnMut(&Desktop, &str) -> Outcome) -> Outcome {
        let mut wrong = Vec::new();
        for (text, then) in TABLE {
            let done = select(self.desktop(), text).and_then(|()| self.judge(text, then));
            if let Err(error) = done {
                self.desktop().keep(&format!("agent-dial-wrong-{}", wrong.len()));
                wrong.push(format!("{text:?}: {error}"));
            }
        }
        if !wrong.is_empty() {
            return Err(wrong.join("\n"));
        }
        // A call that nobody wanted may be over before anybody looks; the last row dials, and so all others are told.
        let wanted: Vec<&str> = TABLE.iter().filter_map(|(_, then)| then.number()).collect();
        let dialled = self.dialled();
        if dialled == wanted {
            Ok(())
        } else {
            Err(format!("{wanted:?} were to be dialled, not {dialled:?}"))
        }
    }

    /// Every number that went out so far.
    fn dialled(&self) -> Vec<String> {
        let mut calls: Vec<(Option<u64>, String)> = Vec::new();
        for event in self.place.agent.events() {
            let call = event["call"].as_u64();
            let out = event["type"] == "call" && event["direction"] == "outgoing";
            if out && calls.iter().all(|(known, _)| *known != call) {
                calls.push((call, event["party"]["number"].as_str().unwrap_or_default().to_owned()));
            }
        }
        calls.into_iter().map(|(_, number)| number).collect()
    }
}

#[test]
fn from_an_editor() -> Outcome {
    let bench = Bench::set_up()?;
    let editor = Editor::open(bench.desktop(), "")?;
    bench.judge_all(|desktop, text| editor.select(desktop, text))?;
    bench.desktop().keep("agent-dial-editor");

    // One that is there: it is reached.
    editor.select(bench.desktop(), "tel:601")?;
    wait_for("the selection", || (bench.desktop().selected()? == "tel:601").then_some(()))?;
    bench.desktop().key("ctrl+alt+c")?;
    wait_for("the call at the exchange", || {
        bench.place.exchange.last_call_to(Extension::Tone)?.state().answered.map(drop)
    })?;

    // The command does what the hotkey does.
    editor.select(bench.desktop(), " 600 ")?;
    wait_for("the selection", || (bench.desktop().selected()?.trim() == "600").then_some(()))?;
    let dialled = bench.place.agent.ask(&["dial", "--selection"]).remove(0);
    if dialled["reply"] != "call" || dialled["number"] != "600" {
        return Err(format!("600 was to be dialled: {dialled}"));
    }
    wait_for("the second call at the exchange", || {
        bench.place.exchange.last_call_to(Extension::Echo)?.state().answered.map(drop)
    })
}

#[test]
fn from_a_terminal() -> Outcome {
    let bench = Bench::set_up()?;
    let terminal = Terminal::open(bench.desktop())?;
    bench.judge_all(|desktop, text| match text {
        // There is always something to select; but nobody has selected it.
        "" => terminal.point_at(desktop, SHOWN),
        _ => terminal.select(desktop, text),
    })
}

#[test]
fn from_a_browser() -> Outcome {
    let bench = Bench::set_up()?;
    let mut browser = Browser::open(bench.desktop())?;
    bench.judge_all(|desktop, text| match text {
        "" => browser.point_at(desktop, SHOWN),
        _ => browser.select(desktop, text),
    })?;
    bench.desktop().keep("agent-dial-browser");

    browser.select(bench.desktop(), &megabyte())?;
    bench.judge(megabyte().trim_end(), TOO_LONG)?;
    bench.desktop().keep("agent-dial-megabyte");
    Ok(())
}

#[test]
fn a_megabyte_from_an_editor_and_a_terminal() -> Outcome {
    let bench = Bench::set_up()?;
    let editor = Editor::open(bench.desktop(), &megabyte())?;
    bench.reselect(megabyte().trim_end(), |desktop| editor.select_all(desktop))?;
    bench.judge(megabyte().trim_end(), TOO_LONG)?;
    drop(editor);
    let terminal = Terminal::open(bench.desktop())?;
    bench.reselect(megabyte().trim_end(), |desktop| terminal.select_all(desktop, &megabyte()))?;
    bench.judge(megabyte().trim_end(), TOO_LONG)
}

/// More than anybody calls a number.
fn megabyte() -> String {
    "+49 30 1234567 and so on\n".repeat(42_000)
}

const TOO_LONG: Then = Then::Refuses("The text is too long to be a number");
