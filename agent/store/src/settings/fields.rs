//! Which keys a part of the settings knows, asked of the type itself so that no list can go stale.

use serde::{
    Deserialize,
    de::{Deserializer, Error as _, Visitor, value::Error},
    forward_to_deserialize_any,
};

/// The keys of `T`, as they stand in the file; empty for what is not a struct.
pub(super) fn fields<'de, T: Deserialize<'de>>() -> &'static [&'static str] {
    let mut found: &'static [&'static str] = &[];
    // Always an error: the question is answered before any value is asked for.
    let _ = T::deserialize(Ask(&mut found));
    found
}

struct Ask<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Ask<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("only the names are asked for"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        *self.0 = fields;
        self.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use agent_core::settings::{CallSettings, Language, Settings};

    #[test]
    fn a_type_tells_its_keys_as_the_file_writes_them() {
        assert!(fields::<Settings>().contains(&"screen-pop"));
        assert!(fields::<Settings>().contains(&"account"));
        assert!(fields::<CallSettings>().contains(&"ring_seconds"));
        assert_eq!(fields::<Language>(), [""; 0]);
    }
}
