//! Commands for calls that change hands, and what they ask of the agent.

use agent_core::{
    action::{Action, FeatureAction},
    id::{AccountId, CallId},
    port::sip::transfer::DialogRef,
};
use clap::{Args, Subcommand};

/// Commands that hand calls over, fetch them, or join them.
#[derive(Debug, Subcommand)]
pub(crate) enum HandoverCommand {
    /// Hand a call over to a number, or connect it with another call; `resume` takes it back
    #[command(after_help = "Examples:\n  trayphone transfer 602\n  trayphone transfer --with 4 --call 1")]
    Transfer {
        /// Whom the other side is sent to
        #[arg(required_unless_present = "with", conflicts_with = "with")]
        to: Option<String>,
        /// Connect it with this call of yours instead
        #[arg(long, value_name = "CALL")]
        with: Option<u64>,
        /// Which call [default: the one that has the microphone, or the only one that is up]
        #[arg(long)]
        call: Option<u64>,
    },
    /// Send a ringing call elsewhere without answering it
    #[command(after_help = "Example: trayphone deflect 602")]
    Deflect {
        /// Where to
        to: String,
        /// Which call [default: the only one that rings]
        #[arg(long)]
        call: Option<u64>,
    },
    /// Join calls in a conference, or end it and keep the calls
    #[command(
        after_help = "Examples:\n  trayphone conference            (all calls that are up)\n  trayphone conference 1 4\n  trayphone conference --split"
    )]
    Conference {
        /// Which calls
        calls: Vec<u64>,
        /// End the conference; the call that has the microphone goes on, the others are held
        #[arg(long, conflicts_with = "calls")]
        split: bool,
    },
    /// Take a call that rings at somebody else's
    #[command(
        after_help = "Examples:\n  trayphone pickup 605\n  trayphone pickup        (any call that rings in the group)"
    )]
    Pickup(PickupArgs),
    /// Park a call at the PBX, where any phone can fetch it
    #[command(after_help = "Example: trayphone park")]
    Park {
        /// Which call [default: the one that has the microphone]
        call: Option<u64>,
    },
    /// Fetch a parked call
    #[command(after_help = "Example: trayphone retrieve 71")]
    Retrieve {
        /// Where it is parked
        slot: String,
        /// Over which account: its place in the settings, from 0 [default: the first that is registered]
        #[arg(long, value_name = "N")]
        account: Option<u32>,
    },
}

/// Arguments of `pickup`.
#[derive(Debug, Args)]
pub(crate) struct PickupArgs {
    /// Where it rings, without it: anywhere in the group; with --dialog: who is asked for it
    number: Option<String>,
    /// The call as the PBX names it: its Call-ID, the tag of who is asked, the other tag
    #[arg(long, requires = "number", num_args = 3, value_names = ["CALL-ID", "TO-TAG", "FROM-TAG"])]
    dialog: Option<Vec<String>>,
    /// Over which account: its place in the settings, from 0 [default: the first that is registered]
    #[arg(long, value_name = "N")]
    account: Option<u32>,
}

/// What a command asks for.
pub(crate) fn action(command: &HandoverCommand) -> Action {
    let call = |call: &Option<u64>| call.map(CallId);
    Action::Feature(match command {
        HandoverCommand::Transfer { to, with, call: id } => {
            FeatureAction::Transfer { call: call(id), to: to.clone(), with: call(with) }
        }
        HandoverCommand::Deflect { to, call: id } => {
            FeatureAction::Deflect { call: call(id), to: to.clone() }
        }
        HandoverCommand::Conference { calls, split } => {
            FeatureAction::Conference { calls: calls.iter().copied().map(CallId).collect(), split: *split }
        }
        HandoverCommand::Pickup(args) => FeatureAction::Pickup {
            account: args.account.map(AccountId),
            number: args.number.clone(),
            dialog: args.dialog.as_deref().and_then(dialog),
        },
        HandoverCommand::Park { call: id } => FeatureAction::Park { call: call(id) },
        HandoverCommand::Retrieve { slot, account } => {
            FeatureAction::Retrieve { account: account.map(AccountId), slot: slot.clone() }
        }
    })
}

fn dialog(words: &[String]) -> Option<DialogRef> {
    let [call_id, to_tag, from_tag] = words else { return None };
    Some(DialogRef { call_id: call_id.clone(), to_tag: to_tag.clone(), from_tag: from_tag.clone() })
}
