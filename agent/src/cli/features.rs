//! Arguments of the commands for what a PBX phone can besides calling.

use agent_core::{
    action::{FeatureAction, QueueStep},
    id::AccountId,
    port::sip::watch::ForwardWhen,
};
use clap::{Args, Subcommand, ValueEnum};

/// Commands that switch something on or off.
#[derive(Debug, Subcommand)]
pub(crate) enum SwitchCommand {
    /// Send calls elsewhere, or no longer: by the PBX where it has a code for that, else by Trayphone
    #[command(
        after_help = "Examples:\n  trayphone forward 602\n  trayphone forward --when no-answer '+49 170 1234567'\n  trayphone forward off"
    )]
    Forward(ForwardArgs),
    /// Let no call ring, or let them again: by the PBX where it has a code for that, else by Trayphone
    #[command(after_help = "Examples:\n  trayphone dnd on\n  trayphone dnd off")]
    Dnd(DndArgs),
    /// Log in to a queue, out of it, or pause, by the code of the PBX
    #[command(after_help = "Examples:\n  trayphone queue in\n  trayphone queue pause 400")]
    Queue(QueueArgs),
    /// Block a number, or let it ring again
    #[command(
        after_help = "Examples:\n  trayphone block '+49 30 1234567'\n  trayphone block '0900*'\n  trayphone block 1002 off"
    )]
    Block(BlockArgs),
}

impl SwitchCommand {
    /// What is asked for.
    pub(crate) fn action(&self) -> FeatureAction {
        match self {
            Self::Forward(args) => args.action(),
            Self::Dnd(args) => args.action(),
            Self::Queue(args) => args.action(),
            Self::Block(args) => args.action(),
        }
    }
}

/// Arguments of `forward`.
#[derive(Debug, Args)]
pub(crate) struct ForwardArgs {
    /// The number or extension, or `off`
    pub to: String,
    /// Which calls
    #[arg(long, value_enum, default_value_t = When::Always)]
    pub when: When,
    /// Of which account: its place in the settings, from 0 [default: the first that is registered]
    #[arg(long, value_name = "N")]
    pub account: Option<u32>,
}

/// Which calls are sent elsewhere.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum When {
    /// All
    Always,
    /// Those that come while the line is busy
    Busy,
    /// Those that nobody answers
    NoAnswer,
}

impl ForwardArgs {
    /// What is asked for.
    fn action(&self) -> FeatureAction {
        FeatureAction::Forward {
            account: self.account.map(AccountId),
            when: match self.when {
                When::Always => ForwardWhen::Always,
                When::Busy => ForwardWhen::Busy,
                When::NoAnswer => ForwardWhen::NoAnswer,
            },
            to: Some(self.to.clone()).filter(|to| to != "off"),
        }
    }
}

/// Arguments of `dnd`.
#[derive(Debug, Args)]
pub(crate) struct DndArgs {
    /// `on` or `off`
    #[arg(value_parser = ["on", "off"])]
    pub state: String,
    /// Of which account: its place in the settings, from 0 [default: of all that are registered]
    #[arg(long, value_name = "N")]
    pub account: Option<u32>,
}

impl DndArgs {
    /// What is asked for.
    fn action(&self) -> FeatureAction {
        FeatureAction::Dnd { account: self.account.map(AccountId), on: self.state == "on" }
    }
}

/// Arguments of `queue`.
#[derive(Debug, Args)]
pub(crate) struct QueueArgs {
    /// What to do
    #[arg(value_enum)]
    pub step: Step,
    /// Which queue, where the code of the PBX takes its number
    pub queue: Option<String>,
    /// Over which account: its place in the settings, from 0 [default: the first that is registered]
    #[arg(long, value_name = "N")]
    pub account: Option<u32>,
}

/// What is done in a queue.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Step {
    /// Its calls ring here
    In,
    /// No longer
    Out,
    /// Not for a while
    Pause,
    /// Again
    Resume,
}

impl QueueArgs {
    /// What is asked for.
    fn action(&self) -> FeatureAction {
        FeatureAction::Queue {
            account: self.account.map(AccountId),
            step: match self.step {
                Step::In => QueueStep::In,
                Step::Out => QueueStep::Out,
                Step::Pause => QueueStep::Pause,
                Step::Resume => QueueStep::Resume,
            },
            queue: self.queue.clone(),
        }
    }
}

/// Arguments of `block`.
#[derive(Debug, Args)]
pub(crate) struct BlockArgs {
    /// The number; a `*` at its end stands for whatever follows
    pub number: String,
    /// `on` or `off`
    #[arg(value_parser = ["on", "off"], default_value = "on")]
    pub state: String,
}

impl BlockArgs {
    /// What is asked for.
    fn action(&self) -> FeatureAction {
        FeatureAction::Block { number: self.number.clone(), on: self.state == "on" }
    }
}
