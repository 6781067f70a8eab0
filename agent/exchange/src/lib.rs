//! The pocket exchange: registrar, switch, echo and tone extensions, and the small CRM behind the demo.
