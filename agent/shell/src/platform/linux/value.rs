//! Values of many types in one dictionary, as D-Bus wants them, written straight to the wire without copies in between.

use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use zbus::zvariant::{ObjectPath, SerializeValue, Signature, Type};

/// `a{sv}`.
pub(super) type Dict<'a> = BTreeMap<&'static str, Value<'a>>;

/// Width, height, pixels in the order A, R, G, B: `(iiay)`.
pub(super) type Pixmap = (i32, i32, Vec<u8>);

/// An image in a notification's hints: width, height, row length, has alpha, bits a sample, channels, pixels.
pub(super) type Image = (i32, i32, i32, bool, i32, i32, Vec<u8>);

/// One line of a menu: id, properties, children.
pub(super) type Layout<'a> = (i32, Dict<'a>, Vec<Value<'a>>);

/// A value that says its type: `v`.
pub(super) enum Value<'a> {
    Text(&'a str),
    Owned(String),
    Texts(&'a [&'a str]),
    Bool(bool),
    Byte(u8),
    Int(i32),
    UInt(u32),
    Path(ObjectPath<'a>),
    Pixmaps(&'a [Pixmap]),
    Image(&'a Image),
    /// Icon name, icon, title, text: `(sa(iiay)ss)`.
    ToolTip((&'a str, &'a [Pixmap], &'a str, String)),
    Layout(Box<Layout<'a>>),
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(value) => SerializeValue(value).serialize(to),
            Self::Owned(value) => SerializeValue(value).serialize(to),
            Self::Texts(value) => SerializeValue(value).serialize(to),
            Self::Bool(value) => SerializeValue(value).serialize(to),
            Self::Byte(value) => SerializeValue(value).serialize(to),
            Self::Int(value) => SerializeValue(value).serialize(to),
            Self::UInt(value) => SerializeValue(value).serialize(to),
            Self::Path(value) => SerializeValue(value).serialize(to),
            Self::Pixmaps(value) => SerializeValue(value).serialize(to),
            Self::Image(value) => SerializeValue(*value).serialize(to),
            Self::ToolTip(value) => SerializeValue(value).serialize(to),
            Self::Layout(value) => SerializeValue(&**value).serialize(to),
        }
    }
}

impl Type for Value<'_> {
    const SIGNATURE: &'static Signature = &Signature::Variant;
}
