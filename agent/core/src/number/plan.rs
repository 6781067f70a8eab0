//! The numbering plans of the world, loaded when the first number needs them.

use super::special;
use rlibphonenumber::{PhoneNumber, PhoneNumberFormat, PhoneNumberType, PhoneNumberUtil, Region};
use std::sync::OnceLock;

/// The longest text handed to the number library.
const LONGEST: usize = 64;

/// A valid number.
#[derive(Debug)]
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

/// The plans of all countries: never changed, so one for the process. Loading takes some milliseconds and 5 MB, so it
/// waits for a need.
static PLANS: OnceLock<Option<PhoneNumberUtil>> = OnceLock::new();

/// The plans, seen from one country.
#[derive(Debug)]
pub(super) struct Plan {
    region: Option<Region>,
}

impl Plan {
    pub(super) fn new(country: &str) -> Self {
        Self { region: region(country) }
    }

    pub(super) fn set_country(&mut self, country: &str) {
        self.region = region(country);
    }

    /// The number a text is, when it is a valid one.
    pub(super) fn valid(&self, text: &str) -> Option<Valid> {
        if text.len() > LONGEST || text.bytes().any(|b| b.is_ascii_alphabetic()) {
            return None;
        }
        let util = plans()?;
        let number = util.parse(text, self.region).ok()?;
        util.is_valid_number(&number).then(|| self.describe(util, &number))
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
        plans()?.get_country_code_for_region(self.region?)
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
            let (util, region) = (plans()?, self.region?);
            let example = util.get_example_number(region).ok()?;
            Some(util.format(&example, PhoneNumberFormat::National).trim_start_matches('(').starts_with('0'))
        };
        self.calling_code() != Some(39) && national().unwrap_or(false)
    }
}

fn plans() -> Option<&'static PhoneNumberUtil> {
    PLANS.get_or_init(|| PhoneNumberUtil::new().ok()).as_ref()
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
}
