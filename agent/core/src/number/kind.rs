//! What a number turned out to be.

/// A number as understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    /// What goes to the PBX: digits with an outside prefix where the settings say so, a code, or a `sip:` address.
    pub dial: String,
    /// What a lookup is asked for: E.164 where that could be made (`+4930…`), else as dialled.
    pub canonical: String,
    /// What the user reads, grouped.
    pub shown: String,
    /// The extension behind the number (`ext. 12`), or the keys behind a pause (`,,12#`). It is shown and offered once
    /// both talk, not dialled: when to send it, only a human who hears the announcement knows.
    pub extension: Option<String>,
    /// What it is.
    pub kind: Kind,
}

/// What kind of number it is; the dangerous kinds are asked about unless they were typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number like any other.
    Plain,
    /// Longer than an extension and no number of the country's plan: perhaps a local one, perhaps not a number.
    Unsure,
    /// An extension of the PBX.
    Internal,
    /// Police, fire, ambulance.
    Emergency,
    /// May cost more than a call.
    Premium,
    /// `*` or `#`: may change settings of the PBX.
    Code,
    /// A `sip:` address.
    Address,
}

/// What came of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Understood {
    /// Call it.
    Dial(Number),
    /// Ask first: one number that wants a yes, or several to choose from.
    Ask(Vec<Number>),
    /// Nothing to call.
    Refuse(NoNumber),
}

/// Why a text is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoNumber {
    /// Nothing, or white space.
    Empty,
    /// Longer than anything a number could stand in.
    TooLong,
    /// Text without a number.
    Nothing,
    /// An e-mail address.
    Mail,
    /// A date.
    Date,
    /// A bank account.
    Iban,
    /// A link of another scheme, or one without a number.
    Link,
    /// A number that only TLS may reach (`sips:`, `transport=tls`) and that names no PBX.
    Encrypted,
}

/// The other side's number, for the lookup and for the eye.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerNumber {
    /// What to look up: E.164 where that could be made, else as signalled; `None` when it was withheld.
    pub lookup: Option<String>,
    /// What the user reads, grouped; empty when it was withheld.
    pub shown: String,
    /// An extension of the PBX.
    pub internal: bool,
}
