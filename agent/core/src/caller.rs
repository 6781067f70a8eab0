//! Who is calling, as lookups find it.

use serde::{Deserialize, Serialize};

/// What a lookup says of a caller. Host-sanitised: no control or bidirectional characters, bounded lengths.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CallerCard {
    /// Who found it: a plugin's id, or `journal`.
    pub source: String,
    /// The person.
    pub name: String,
    /// The company.
    pub company: Option<String>,
    /// The page of the record; already checked against what the plugin may open.
    pub url: Option<String>,
}
