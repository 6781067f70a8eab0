//! What is kept: settings, journal, ledger, secrets in the OS keyring, and where it all lies.
