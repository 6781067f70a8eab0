//! Runs what has to wait (for the agent, for the network) from a program that does not.

use crate::exit::{Exit, Failure};
use std::future::Future;

/// Runs a command that talks to the agent or the network.
pub(crate) fn wait_for(work: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::other("the runtime could not be started", error))?;
    let result = runtime.block_on(work);
    // A prompt on stdin may hang in a blocking thread: nobody waits for it.
    runtime.shutdown_background();
    result
}
