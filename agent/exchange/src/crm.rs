//! A small CRM: a web server on loopback with contacts to look up and a page for each, and with ways to fail.

mod contacts;
mod page;
mod server;
mod wire;

pub use contacts::Contact;
pub use server::{Crm, CrmConfig, CrmFault, CrmFaults, CrmHit};
