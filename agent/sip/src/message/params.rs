//! The `;name=value` parameters of header fields (RFC 3261 `generic-param`).

use crate::message::{
    lex::{find_outside, is_token_byte, quote_into, quoted_end, split_outside, trim, unquote},
    limits::MAX_PARAMS,
    text::Text,
};

/// One parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// Its name, as written.
    pub name: Text,
    /// Its value, unquoted; `None` for a flag such as `lr` or an empty `rport`.
    pub value: Option<Text>,
}

/// Parameters in their order. Names are equal in either case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Params(Vec<Param>);

impl Params {
    /// None.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Reads what follows a value: `;a=b;c`. Empty parameters (`;;`) are forgiven.
    pub fn parse(bytes: &[u8]) -> Result<Self, &'static str> {
        let mut params = Self::new();
        for piece in split_outside(bytes, b';', MAX_PARAMS + 2)? {
            if piece.is_empty() {
                continue;
            }
            if params.0.len() == MAX_PARAMS {
                return Err("too many parameters");
            }
            params.0.push(read(piece)?);
        }
        Ok(params)
    }

    /// The parameter's value: `None` when it is absent, `Some("")` when it is a flag.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.find(name).map(|param| param.value.as_deref().unwrap_or_default())
    }

    /// The parameter's value, when it has one.
    pub fn value(&self, name: &str) -> Option<&Text> {
        self.find(name).and_then(|param| param.value.as_ref())
    }

    /// Whether it is there at all.
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Sets or adds one; `None` makes it a flag.
    pub fn set(&mut self, name: &str, value: Option<Text>) {
        match self.0.iter_mut().find(|param| param.name.eq_ignore_case(name)) {
            Some(param) => param.value = value,
            None => self.0.push(Param { name: name.into(), value }),
        }
    }

    /// The same with one more, for building.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Text>) -> Self {
        self.set(name, Some(value.into()));
        self
    }

    /// Takes it out.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|param| !param.name.eq_ignore_case(name));
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Param> {
        self.0.iter()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends `;a=b;c="d e"`, quoting what is neither a token nor a host.
    pub(crate) fn print(&self, out: &mut Vec<u8>) {
        for param in &self.0 {
            out.push(b';');
            out.extend_from_slice(&param.name);
            if let Some(value) = &param.value {
                out.push(b'=');
                print_value(out, value);
            }
        }
    }

    fn find(&self, name: &str) -> Option<&Param> {
        self.0.iter().find(|param| param.name.eq_ignore_case(name))
    }
}

/// Writes a value bare when the grammar allows, quoted when not.
pub(crate) fn print_value(out: &mut Vec<u8>, value: &[u8]) {
    let bare = |b: u8| is_token_byte(b) || matches!(b, b'[' | b']' | b':');
    if !value.is_empty() && value.iter().all(|&b| bare(b)) {
        out.extend_from_slice(value);
    } else {
        quote_into(out, value);
    }
}

/// Reads one `name`, `name=value` or `name="quoted"`.
fn read(piece: &[u8]) -> Result<Param, &'static str> {
    let (name, value) = match find_outside(piece, b"=")? {
        Some(at) => (trim(&piece[..at]), Some(trim(&piece[at + 1..]))),
        None => (piece, None),
    };
    if name.is_empty() || name.iter().any(|&b| b == b'"' || b == b'<' || b == b'>' || b <= b' ') {
        return Err("a parameter has no proper name");
    }
    let value = match value {
        None => None,
        Some(quoted) if quoted.first() == Some(&b'"') => {
            if quoted_end(quoted) != Some(quoted.len()) {
                return Err("there is something after a quoted value");
            }
            Some(unquote(quoted).into())
        }
        // `rport=` occurs and means `rport`.
        Some(b"") => None,
        Some(bare) => Some(bare.into()),
    };
    Ok(Param { name: name.into(), value })
}

#[cfg(test)]
mod tests {
    use super::Params;

    #[test]
    fn flags_values_and_quotes() {
        let params = Params::parse(br#"; lr;tag = a"#).unwrap();
        assert_eq!(
            (params.get("LR"), params.get("Tag"), params.get("x")),
            (Some(&b""[..]), Some(&b"a"[..]), None)
        );
        let params = Params::parse(br#";a="x;y\"z";;rport="#).unwrap();
        assert_eq!(params.value("a").unwrap(), "x;y\"z");
        let mut out = Vec::new();
        params.print(&mut out);
        assert_eq!(out, br#";a="x;y\"z";rport"#);
        assert!(Params::parse(br#";a="x"#).is_err());
        assert!(Params::parse(b";=x").is_err());
        assert!(Params::parse(&b";a".repeat(100)).is_err());
    }
}
