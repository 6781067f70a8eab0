//! Hostile input against the running agent, through every door it has: nothing kills, hangs or deafens it, and nothing gets out.

mod api;
mod plugins;
mod registrar;
mod scene;
mod torture;
mod wire;
mod words;
