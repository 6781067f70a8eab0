//! The ten things the script can break, and what each must lead to.

use clap::ValueEnum;

/// One thing to break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Fault {
    /// The CRM's port is closed
    CrmDown,
    /// The CRM takes the connection and never answers
    CrmSilent,
    /// The plugin traps
    PluginTrap,
    /// The agent's password is wrong
    WrongPassword,
    /// The registrar answers nothing
    RegistrarSilent,
    /// What the caller says never reaches the agent
    DeafAgent,
    /// What the agent says never reaches the caller
    DeafCaller,
    /// There is no toast server
    NoToastServer,
    /// There is no browser
    NoBrowser,
    /// The caller hangs up before anybody answers
    CallerGivesUp,
}

/// What a fault must lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// The story goes on in its degraded way: exit 0, and the step is named.
    Degraded(&'static str),
    /// The story cannot be told: exit non-zero at this step.
    Fails(&'static str),
}

impl Fault {
    /// What it must lead to.
    pub(crate) fn expected(self) -> Expected {
        match self {
            Self::CrmDown => Expected::Degraded("named"),
            Self::CrmSilent => Expected::Degraded("named"),
            Self::PluginTrap => Expected::Degraded("named"),
            Self::WrongPassword => Expected::Fails("ready"),
            Self::RegistrarSilent => Expected::Fails("ready"),
            Self::DeafAgent => Expected::Fails("heard here"),
            Self::DeafCaller => Expected::Fails("heard there"),
            Self::NoToastServer => Expected::Degraded("toast"),
            Self::NoBrowser => Expected::Fails("screen pop"),
            Self::CallerGivesUp => Expected::Degraded("answered"),
        }
    }
}
