//! The cap on every size a stranger decides about.

/// Bytes of one message, start line to end of body.
pub const MAX_MESSAGE: usize = 65_535;
/// Header fields of one message (lines, after unfolding), Content-Length not among them.
pub const MAX_HEADERS: usize = 256;
/// Bytes of one header field, after unfolding. Identity tokens (RFC 8224) run to some kilobytes.
pub const MAX_LINE: usize = 16_384;
/// Parameters of one value, a URI's or a header field's.
pub const MAX_PARAMS: usize = 64;
/// Values of one comma-separated list, over all lines that carry it.
pub const MAX_ITEMS: usize = 128;
