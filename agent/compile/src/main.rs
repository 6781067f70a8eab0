//! Compiles one plugin to native code and ends: Cranelift lives here and nowhere else.
fn main() {}
