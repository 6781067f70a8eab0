//! The one door out: TLS, name resolution, HTTP client, and a ledger record for every connection.
