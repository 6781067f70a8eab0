//! The house rules, kept by a test.
