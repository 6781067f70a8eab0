//! Looks callers up in the demo's CRM and opens their record.
