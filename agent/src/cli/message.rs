//! Arguments of `message`.

use clap::Args;

/// Arguments of `message`.
#[derive(Debug, Args)]
pub(crate) struct MessageArgs {
    /// The number, extension or sip: address; without it: the latest messages
    #[arg(requires = "text")]
    pub to: Option<String>,
    /// The text; `-`: from stdin
    pub text: Option<String>,
    /// Over which account: its place in the settings, from 0 [default: the first that is registered]
    #[arg(long, value_name = "N", requires = "to")]
    pub account: Option<u32>,
}
