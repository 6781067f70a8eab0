//! The pocket exchange: registrar, switch, echo and tone extensions, and the small CRM behind the demo.
//!
//! [`Exchange`] is a PBX on loopback: it registers phones with digest, connects them, rings them ([`Exchange::ring`]) and
//! measures what it hears. [`Crm`] is a web server with contacts. Both run on threads of their own, serve on free ports,
//! and can be told to fail in the ways the demo's script wants to see ([`Faults`], [`CrmFaults`]).

mod call;
mod config;
mod crm;
mod error;
mod exchange;
mod extension;
mod faults;
mod media;
mod recording;
mod registrar;
mod sdp;
mod switch;

pub use call::{CallerCall, CallerState, ExtensionCall};
pub use config::{ExchangeConfig, Ring, User};
pub use crm::{Contact, Crm, CrmConfig, CrmFault, CrmFaults, CrmHit};
pub use error::ExchangeError;
pub use exchange::Exchange;
pub use extension::Extension;
pub use faults::Faults;
pub use recording::Recording;
pub use registrar::Binding;
