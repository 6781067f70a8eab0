//! Real peers as processes: baresip, sipp, kamailio, an X session with panel and toast server, a null-sink sound server.
