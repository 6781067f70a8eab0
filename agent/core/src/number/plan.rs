//! The numbering plans of the world, seen from one country.

use super::{special, world};
use rlibphonenumber::{PhoneNumber, PhoneNumberFormat, PhoneNumberType, PhoneNumberUtil, Region};
use std::{collections::BTreeSet, sync::Arc};

/// The longest text handed to the number library.
const LONGEST: usize = 64;

/// The longest a country has before a calling code (Russia's 8~10, Brazil's 00 and a carrier), and one for luck.
const LONGEST_PREFIX: usize = 5;

/// A valid number.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Valid {
    /// `+49301234567`.
    pub e164: String,
    /// `+49 30 1234567`.
    pub international: String,
    /// The digits that reach it from this country: `0301234567`, `0033…`.
    pub from_here: String,
    /// May cost more than a call.
    pub premium: bool,
}

/// The plans, seen from one country.
#[derive(Debug)]
pub(super) struct Plan {
    region: Option<Region>,
    calling_code: Option<i32>,
}

impl Plan {
    pub(super) fn new(country: &str) -> Self {
        let region = region(country);
        Self { region, calling_code: region.and_then(|region| world::calling_code(&region.to_string())) }
    }

    pub(super) fn set_country(&mut self, country: &str) {
        *self = Self::new(country);
    }

    /// The number a text is, when it is a valid one.
    pub(super) fn valid(&self, text: &str) -> Option<Valid> {
        if text.len() > LONGEST || text.bytes().any(|b| b.is_ascii_alphabetic()) {
            return None;
        }
        if !text.is_ascii() {
            // Digits of another script: the library knows them, and they are rare.
            return self.read(&world::whole()?, text).flatten();
        }
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let abroad = match text.split_once('+') {
            Some((_, rest)) => Some(rest.chars().filter(char::is_ascii_digit).collect()),
            None => digits.strip_prefix(self.international_prefix()).map(str::to_owned),
        };
        let likely = abroad.map(|abroad: String| world::codes_before(&abroad)).unwrap_or_default();
        let plans = self.plans(&likely)?;
        if let Some(read) = self.read(&plans, text) {
            return read;
        }
        // No number as we see it, but perhaps one behind a prefix that only the country's own plan knows.
        let places = (0..=LONGEST_PREFIX).filter_map(|place| digits.get(place..));
        let possible: BTreeSet<i32> = places.flat_map(world::codes_before).collect();
        if possible.is_subset(&likely) {
            return None;
        }
        let plans = self.plans(&possible)?;
        self.read(&plans, text).flatten()
    }

    /// The number a text is; `None`: it is none in these plans, `Some(None)`: it is one, and not valid.
    fn read(&self, util: &PhoneNumberUtil, text: &str) -> Option<Option<Valid>> {
        let number = util.parse(text, self.region).ok()?;
        Some(util.is_valid_number(&number).then(|| self.describe(util, &number)))
    }

    /// Our own country's plan and those behind these codes.
    fn plans(&self, codes: &BTreeSet<i32>) -> Option<Arc<PhoneNumberUtil>> {
        world::behind(&codes.iter().copied().chain(self.calling_code).collect())
    }

    fn describe(&self, util: &PhoneNumberUtil, number: &PhoneNumber) -> Valid {
        let e164 = util.format(number, PhoneNumberFormat::E164).into_owned();
        let from_here = match self.region {
            Some(region) => util.format_out_of_country_calling_number(number, region).into_owned(),
            None => e164.clone(),
        };
        Valid {
            international: util.format(number, PhoneNumberFormat::International).into_owned(),
            from_here: from_here.chars().filter(char::is_ascii_digit).collect(),
            premium: util.get_number_type(number) == PhoneNumberType::PremiumRate
                || special::costly(number.country_code),
            e164,
        }
    }

    /// A local number with its area before it, as the country writes it.
    pub(super) fn with_area(&self, area: &str, local: &str) -> String {
        match self.calling_code() {
            Some(code) => format!("+{code}{area}{local}"),
            None => format!("{area}{local}"),
        }
    }

    pub(super) fn calling_code(&self) -> Option<i32> {
        self.calling_code
    }

    /// What is dialled before a country code from here.
    pub(super) fn international_prefix(&self) -> &'static str {
        match self.calling_code() {
            Some(1) => "011",
            Some(61) => "0011",
            Some(81) => "010",
            Some(65) => "001",
            _ => "00",
        }
    }

    /// Whether every national number is written with a leading 0 (Germany; Italy's mobile numbers have none).
    pub(super) fn has_trunk_prefix(&self) -> bool {
        let national = || {
            let (util, region) = (self.plans(&BTreeSet::new())?, self.region?);
            let example = util.get_example_number(region).ok()?;
            Some(util.format(&example, PhoneNumberFormat::National).trim_start_matches('(').starts_with('0'))
        };
        self.calling_code() != Some(39) && national().unwrap_or(false)
    }
}

fn region(country: &str) -> Option<Region> {
    let upper = country.to_ascii_uppercase();
    (upper.len() == 2 && upper.bytes().all(|b| b.is_ascii_uppercase()))
        .then(|| Region::from_code(&upper).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_countries_is_the_librarys() {
        let util = PhoneNumberUtil::new().unwrap();
        let mut count = 0;
        for region in util.get_supported_regions() {
            count += 1;
            assert!(special::known_country(&region.to_string()), "{region} is missing");
        }
        let known = |c: &u32| {
            let code = [b'A' + (c / 26) as u8, b'A' + (c % 26) as u8];
            special::known_country(std::str::from_utf8(&code).unwrap())
        };
        assert_eq!((0..26 * 26).filter(known).count(), count);
    }

    /// Also red when the library was updated and `world.bin` was not: copy its `metadata.bin` anew.
    #[test]
    fn few_countries_say_what_the_whole_world_says() {
        let whole = PhoneNumberUtil::new().unwrap();
        for home in ["DE", "US", "RU"] {
            let (plan, region) = (Plan::new(home), region(home).unwrap());
            assert_eq!(plan.calling_code(), whole.get_country_code_for_region(region));
            for there in whole.get_supported_regions() {
                let Ok(example) = whole.get_example_number(there) else { continue };
                for text in [
                    whole.format(&example, PhoneNumberFormat::E164).into_owned(),
                    whole.format(&example, PhoneNumberFormat::International).into_owned(),
                    whole.format(&example, PhoneNumberFormat::National).into_owned(),
                    whole.format_out_of_country_calling_number(&example, region).into_owned(),
                    format!("00{}", &whole.format(&example, PhoneNumberFormat::E164)[1..]),
                    format!("810{}", &whole.format(&example, PhoneNumberFormat::E164)[1..]),
                ] {
                    let said =
                        whole.parse(&text, Some(region)).ok().filter(|number| whole.is_valid_number(number));
                    let said = said.map(|number| plan.describe(&whole, &number));
                    if !text.bytes().any(|byte| byte.is_ascii_alphabetic()) {
                        assert_eq!(plan.valid(&text), said, "{text} dialled from {home}");
                    }
                }
            }
        }
    }

    #[test]
    fn digits_of_another_script_are_read_too() {
        let text: String = "+49301234567".replace('4', "\u{0664}").replace('9', "\u{0669}");
        assert_eq!(Plan::new("US").valid(&text), Plan::new("US").valid("+49301234567"));
        assert!(Plan::new("US").valid(&text).is_some());
    }
}
