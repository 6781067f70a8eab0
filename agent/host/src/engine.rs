//! The one configuration of the wasm engine, shared by the agent, which only runs code, and the program that compiles it.

use crate::hash::{Digest, digest};
use wasmtime::{Config, Engine, WasmBacktraceDetails, WasmFeatures};

/// How often the epoch advances while a plugin computes, milliseconds.
pub const TICK_MS: u64 = 10;

/// The stack a plugin's own calls may use, bytes.
pub const WASM_STACK: usize = 512 * 1024;

/// The stack a plugin's call runs on, host functions included, bytes. Only what is touched costs memory.
const FIBER_STACK: usize = 1024 * 1024;

/// The configuration. Code compiled under another one does not load: what is set here is part of the cache's key.
pub fn config() -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .epoch_interruption(true)
        .max_wasm_stack(WASM_STACK)
        .async_stack_size(FIBER_STACK)
        // Offsets into the wasm would serve a debugger; the user reads sentences.
        .generate_address_map(false)
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .wasm_features(
            WasmFeatures::THREADS
                | WasmFeatures::SHARED_EVERYTHING_THREADS
                | WasmFeatures::MEMORY64
                | WasmFeatures::GC
                | WasmFeatures::EXCEPTIONS
                | WasmFeatures::FUNCTION_REFERENCES
                | WasmFeatures::STACK_SWITCHING
                | WasmFeatures::RELAXED_SIMD
                | WasmFeatures::CM_ASYNC,
            false,
        )
        .shared_memory(false)
        .gc_support(false)
        .concurrency_support(false)
        // Follows the build profile by default, and the compile helper may be built under another one.
        .metadata_for_internal_asserts(false);
    config
}

/// An engine that runs plugins.
pub(crate) fn engine() -> Result<Engine, String> {
    Engine::new(&config()).map_err(|error| format!("{error:#}"))
}

/// What compiled code depends on beside the wasm: our version, the engine's settings, the processor's kind.
///
/// wasmtime's own fingerprint of an engine needs the compiler, which the agent has not. It is checked all the same:
/// compiled code carries it, and `deserialize` refuses what does not match; this one only keeps the two apart on disk.
pub(crate) fn fingerprint() -> Digest {
    let settings = format!("{:?}", config());
    digest([
        env!("CARGO_PKG_VERSION").as_bytes(),
        std::env::consts::ARCH.as_bytes(),
        std::env::consts::OS.as_bytes(),
        settings.as_bytes(),
    ])
}
