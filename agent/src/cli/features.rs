//! Arguments of the commands for what a PBX phone can besides calling.

use agent_core::action::FeatureAction;
use clap::Args;

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
    pub(crate) fn action(&self) -> FeatureAction {
        FeatureAction::Block { number: self.number.clone(), on: self.state == "on" }
    }
}
