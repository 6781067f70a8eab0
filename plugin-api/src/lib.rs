//! The plugin contract: what a plugin may ask of the agent, and what the agent asks of it.
