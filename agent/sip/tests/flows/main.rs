//! Flows: endpoints on one virtual clock and a network that loses, repeats, delays and reorders as told.

mod calls_in;
mod calls_out;
mod chaos;
mod early;
mod errands;
mod floods;
mod hostile;
mod identity;
mod joint;
mod phone;
mod redirects;
mod referrals;
mod refusals;
mod registrar;
mod registrations;
mod roads;
mod script;
mod session_timers;
mod sessions;
mod timers;
mod transfers;
mod watches;
mod world;
