//! The program libFuzzer drives (`cargo xtask fuzz`); the environment variable `FUZZ_TARGET` names the target.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    static TARGET: std::sync::LazyLock<&fuzz::Target> = std::sync::LazyLock::new(|| {
        let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
        fuzz::target(&name).unwrap_or_else(|| {
            eprintln!("FUZZ_TARGET={name}: no such target");
            std::process::exit(2)
        })
    });
    (TARGET.run)(bytes);
});

#[cfg(not(fuzzing))]
fn main() {
    eprintln!("Built like this it has no fuzzer inside: run `cargo xtask fuzz`.");
    std::process::exit(2);
}
