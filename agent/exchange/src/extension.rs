//! The extensions the exchange answers itself.

/// An extension with nobody behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Extension {
    /// `600`: sends back what it hears.
    Echo,
    /// `601`: plays a steady tone and records what it hears.
    Tone,
    /// `602`: is busy (486).
    Busy,
    /// `603`: rings and never answers.
    Never,
}

impl Extension {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Echo, Self::Tone, Self::Busy, Self::Never];

    /// Its number.
    pub fn number(self) -> &'static str {
        match self {
            Self::Echo => "600",
            Self::Tone => "601",
            Self::Busy => "602",
            Self::Never => "603",
        }
    }

    /// The extension of that number.
    pub fn by_number(number: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|extension| extension.number() == number)
    }
}
