//! The lines of the local API, both ways.

use agent_core::{
    action::{Action, FeatureAction, Notice, Refusal, Reply},
    certificate::Fingerprint,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version in `hello`; it changes only when something a script relies on is taken away.
pub(crate) const VERSION: u32 = 1;

/// The longest line either side accepts, bytes.
pub(crate) const LONGEST_LINE: usize = 256 * 1024;

/// What can be asked that is no [`Action`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Ask {
    /// Stream every notice from now on.
    Events {},
    /// Dial what is selected.
    DialSelection {
        /// Over which account, by its place in the settings.
        #[serde(default)]
        account: Option<u32>,
    },
    /// The installed plugins changed on disk.
    ReloadPlugins {},
    /// The settings file changed.
    ReloadSettings {},
    /// Another key than the one kept since its first use is the PBX's from now on.
    Trust {
        /// The account's address.
        aor: String,
        /// The key.
        key: Fingerprint,
    },
    /// A password for this run of the agent, where no keyring keeps it.
    Password {
        /// The account's address.
        aor: String,
        /// The password; never logged, never written.
        password: String,
    },
}

/// One line from a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    /// `{"action":"answer","call":1}`.
    Action(Action),
    /// `{"ask":"events"}`.
    Ask(Ask),
}

impl Request {
    /// Reads a line; the error is a sentence for the client.
    pub(crate) fn parse(line: &str) -> Result<Self, String> {
        let value: Value =
            serde_json::from_str(line).map_err(|error| format!("this is not a JSON object: {error}"))?;
        let has = |key: &str| value.get(key).is_some();
        match (has("action"), has("ask")) {
            (true, false) => action(value).map(Self::Action),
            (false, true) => serde_json::from_value(value).map(Self::Ask).map_err(|error| error.to_string()),
            _ => Err("a request is an object with either \"action\" or \"ask\", for example {\"action\":\"status\"}"
                .to_owned()),
        }
    }

    /// Writes the line, without its end.
    pub(crate) fn line(&self) -> String {
        let text = match self {
            Self::Action(Action::Feature(feature)) => serde_json::to_string(feature),
            Self::Action(action) => serde_json::to_string(action),
            Self::Ask(ask) => serde_json::to_string(ask),
        };
        // Neither type holds a map with other keys than strings nor anything else that JSON cannot say.
        text.unwrap_or_default()
    }
}

/// Reads an action, a feature or a plain one; what is wrong is said of the one that is meant.
fn action(value: Value) -> Result<Action, String> {
    let feature = serde_json::from_value::<FeatureAction>(value.clone()).map_err(|error| error.to_string());
    match feature {
        Ok(feature) => Ok(Action::Feature(feature)),
        Err(unknown) if unknown.starts_with("unknown variant") => {
            serde_json::from_value(value).map_err(|error| error.to_string())
        }
        Err(wrong) => Err(wrong),
    }
}

/// One line to a client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Answer {
    /// The first line of `events`.
    Hello {
        /// [`VERSION`].
        version: u32,
    },
    /// A request was taken.
    Done {
        /// What came of it.
        #[serde(flatten)]
        reply: Reply,
        /// What of the settings read anew only a new start of the agent takes over.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        restart: Vec<String>,
    },
    /// A request was refused.
    Refused {
        /// Why.
        #[serde(flatten)]
        refusal: Refusal,
    },
    /// The line was not understood.
    Malformed {
        /// What is wrong with it.
        text: String,
    },
}

impl Answer {
    /// Done, and that is all.
    pub(crate) fn done(reply: Reply) -> Self {
        Self::Done { reply, restart: Vec::new() }
    }
}

/// A notice as its line, without its end.
pub(crate) fn notice_line(notice: &Notice) -> String {
    serde_json::to_string(notice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use agent_core::{
        action::{CallState, MessageState, RefusalCode, Source},
        id::CallId,
        journal::{Direction, Outcome},
        port::{
            Neighbour,
            media::AudioState,
            shell::Part,
            sip::{
                Registration, RegistrationProblem,
                watch::{LineState, PresenceState},
            },
        },
    };

    #[test]
    fn requests_survive_the_way_over_the_wire() {
        for request in [
            Request::Action(Action::Answer { call: Some(CallId(3)) }),
            Request::Action(Action::Status),
            Request::Action(Action::Silence),
            Request::Action(Action::Show),
            Request::Action(Action::Quit),
            Request::Action(Action::Feature(FeatureAction::Redial { account: None })),
            Request::Ask(Ask::Events {}),
            Request::Ask(Ask::DialSelection { account: None }),
        ] {
            assert_eq!(Request::parse(&request.line()), Ok(request));
        }
    }

    #[test]
    fn a_line_that_is_no_request_is_refused_with_a_sentence() {
        for (line, part) in [
            ("", "not a JSON object"),
            ("{}", "either \"action\" or \"ask\""),
            ("{\"action\":\"fly\"}", "unknown variant `fly`"),
            ("{\"ask\":\"events\",\"x\":1}", "unknown field `x`"),
            ("{\"action\":\"hangup\",\"cal\":77}", "unknown field `cal`, expected `call`"),
            ("{\"action\":\"status\",\"x\":1}", "unknown field `x`"),
            ("{\"action\":\"silence\",\"call\":1}", "unknown field `call`"),
            ("{\"action\":\"show\",\"x\":1}", "unknown field `x`"),
            ("{\"action\":\"quit\",\"x\":1}", "unknown field `x`"),
            ("{\"action\":\"redial\",\"x\":1}", "unknown field `x`"),
            ("{\"action\":\"status\",\"ask\":\"events\"}", "either"),
        ] {
            let error = Request::parse(line).expect_err(line);
            assert!(error.contains(part), "{line}: {error}");
        }
    }

    /// The document programs are written from, whose JSON must be what is spoken.
    const DOCUMENT: &str = include_str!("../../doc/api.md");

    /// The lines of its JSON.
    fn examples() -> Vec<Value> {
        let blocks = DOCUMENT.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next());
        let lines = blocks.flat_map(str::lines);
        lines
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
            .collect()
    }

    /// The names a type knows, as its refusal of another one lists them.
    fn names<T: serde::de::DeserializeOwned>(unknown: &Value) -> Vec<String> {
        let Err(error) = serde_json::from_value::<T>(unknown.clone()) else { panic!("{unknown} is known") };
        let text = error.to_string();
        let known: Vec<String> = text.split('`').skip(3).step_by(2).map(str::to_owned).collect();
        assert!(known.len() > 1, "{text}");
        known
    }

    /// The same of features. While there is one alone, no list stands in the refusal.
    fn features() -> Vec<String> {
        let Err(error) = serde_json::from_value::<FeatureAction>(serde_json::json!({ "action": "?" })) else {
            panic!("? is known")
        };
        error.to_string().split('`').skip(3).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn every_example_of_the_document_is_spoken_as_it_stands_there() {
        for example in examples() {
            let same = match example["type"].as_str() {
                None => {
                    serde_json::from_str(&Request::parse(&example.to_string()).expect("a request").line())
                }
                Some("hello" | "done" | "refused" | "malformed") => {
                    serde_json::from_value::<Answer>(example.clone()).and_then(serde_json::to_value)
                }
                Some(_) => serde_json::from_value::<Notice>(example.clone()).and_then(serde_json::to_value),
            };
            assert_eq!(same.unwrap_or_else(|error| panic!("{example}: {error}")), example);
        }
    }

    #[test]
    fn the_document_knows_every_request_answer_and_event() {
        let unknown = |key: &str| serde_json::json!({ key: "?" });
        for (key, known) in [
            ("action", names::<Action>(&unknown("action"))),
            ("action", features()),
            ("ask", names::<Ask>(&unknown("ask"))),
            ("type", names::<Answer>(&unknown("type"))),
            ("type", names::<Notice>(&unknown("type"))),
            ("reply", names::<Reply>(&unknown("reply"))),
        ] {
            for name in known {
                assert!(examples().iter().any(|it| it[key] == *name), "no example of {key} {name}");
            }
        }
        let word = Value::from("?");
        for name in [
            names::<RefusalCode>(&word),
            names::<Source>(&word),
            names::<CallState>(&word),
            names::<Direction>(&word),
            names::<Outcome>(&word),
            names::<Part>(&word),
            names::<Neighbour>(&word),
            names::<Registration>(&unknown("state")),
            names::<RegistrationProblem>(&unknown("problem")),
            names::<AudioState>(&unknown("backend")),
            names::<LineState>(&word),
            names::<PresenceState>(&word),
            names::<MessageState>(&word),
        ]
        .concat()
        {
            assert!(DOCUMENT.contains(&format!("`{name}`")), "`{name}` stands nowhere");
        }
    }
}
