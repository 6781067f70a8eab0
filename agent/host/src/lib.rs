//! The plugin host: sandboxed components, grants, and the plugins' road to the network.
