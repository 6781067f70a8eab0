//! The numbering plans of the world as data, of which only the countries at hand are unpacked.
//!
//! All of them unpacked are 4 MB and some milliseconds before the first 180; a country or two are neither.

use prost::{Message as _, encoding::decode_varint};
use rlibphonenumber::{PhoneMetadata, PhoneMetadataCollection, PhoneNumberUtil};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

/// libphonenumber's metadata: a `PhoneMetadataCollection` of its `phonemetadata.proto`, as rlibphonenumber carries it
/// and does not hand it out. A test holds it against that.
static WORLD: &[u8] = include_bytes!("world.bin");

/// Fields of a `PhoneMetadata`: the country, its calling code.
const ID: u64 = 9;
const COUNTRY_CODE: u64 = 10;

/// Unpacked sets that are kept: our own country, and it together with those that called last.
const KEPT: usize = 4;

/// Plans by the calling codes they are for, the latest first.
type Unpacked = Vec<(BTreeSet<i32>, Arc<PhoneNumberUtil>)>;

/// What was unpacked last. Never changed once it is there, so one for the process.
static UNPACKED: Mutex<Unpacked> = Mutex::new(Vec::new());

/// The plans behind these calling codes. `None`: the data is not what it should be.
pub(super) fn behind(codes: &BTreeSet<i32>) -> Option<Arc<PhoneNumberUtil>> {
    let mut unpacked = UNPACKED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(place) = unpacked.iter().position(|(held, _)| held == codes) {
        unpacked[..=place].rotate_right(1);
        return unpacked.first().map(|(_, plans)| plans.clone());
    }
    let plans = Arc::new(unpack(|code| codes.contains(&code))?);
    unpacked.truncate(KEPT - 1);
    unpacked.insert(0, (codes.clone(), plans.clone()));
    Some(plans)
}

/// All plans, unpacked for this one time.
pub(super) fn whole() -> Option<PhoneNumberUtil> {
    unpack(|_| true)
}

/// The calling code of a country.
pub(super) fn calling_code(country: &str) -> Option<i32> {
    let record =
        records().find(|record| field(record, ID).is_some_and(|it| it.bytes == country.as_bytes()))?;
    code(record)
}

/// The calling codes with which digits can begin.
pub(super) fn codes_before(digits: &str) -> BTreeSet<i32> {
    let begins = (1..=3).filter_map(|length| digits.get(..length)?.parse::<i32>().ok());
    // A code has no leading zero.
    let begins: BTreeSet<i32> = if digits.starts_with('0') { BTreeSet::new() } else { begins.collect() };
    begins.into_iter().filter(|code| codes().contains(code)).collect()
}

/// Every calling code there is. Looking for them in the packed data again takes 30 µs a number.
fn codes() -> &'static BTreeSet<i32> {
    static CODES: OnceLock<BTreeSet<i32>> = OnceLock::new();
    CODES.get_or_init(|| records().filter_map(code).collect())
}

fn unpack(wanted: impl Fn(i32) -> bool) -> Option<PhoneNumberUtil> {
    let records = records().filter(|record| code(record).is_some_and(&wanted));
    let metadata = records.map(PhoneMetadata::decode).collect::<Result<_, _>>().ok()?;
    PhoneNumberUtil::new_for_metadata(PhoneMetadataCollection { metadata }).ok()
}

fn code(record: &[u8]) -> Option<i32> {
    i32::try_from(field(record, COUNTRY_CODE)?.number).ok()
}

/// The countries, still packed.
fn records() -> impl Iterator<Item = &'static [u8]> {
    let mut rest = WORLD;
    std::iter::from_fn(move || next(&mut rest)).map(|(_, value)| value.bytes)
}

/// A field's value: a number, or bytes.
#[derive(Default)]
struct Value<'a> {
    number: u64,
    bytes: &'a [u8],
}

fn field<'a>(mut record: &'a [u8], wanted: u64) -> Option<Value<'a>> {
    std::iter::from_fn(|| next(&mut record)).find(|(field, _)| *field == wanted).map(|(_, value)| value)
}

/// The next field of a protobuf message: its number and value. The data holds varints and lengths with bytes only.
fn next<'a>(rest: &mut &'a [u8]) -> Option<(u64, Value<'a>)> {
    let key = decode_varint(rest).ok()?;
    let number = decode_varint(rest).ok()?;
    let bytes = match key & 7 {
        0 => &[],
        2 => {
            let (bytes, after) = rest.split_at_checked(usize::try_from(number).ok()?)?;
            *rest = after;
            bytes
        }
        _ => return None,
    };
    Some((key >> 3, Value { number, bytes }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_and_codes_are_found_in_the_packed_data() {
        assert_eq!((calling_code("DE"), calling_code("US"), calling_code("XX")), (Some(49), Some(1), None));
        assert_eq!(codes_before("49301234567"), BTreeSet::from([49]));
        assert_eq!(codes_before("1242"), BTreeSet::from([1]));
        assert_eq!(codes_before("0049"), BTreeSet::new());
        assert_eq!(codes_before(""), BTreeSet::new());
        assert!(records().count() > 240);
    }

    #[test]
    fn a_country_or_two_are_unpacked_and_kept() {
        let codes = BTreeSet::from([49, 43]);
        let plans = behind(&codes).expect("the data is well");
        assert_eq!(plans.get_supported_regions().count(), 2);
        assert!(Arc::ptr_eq(&plans, &behind(&codes).expect("it is kept")));
    }
}
