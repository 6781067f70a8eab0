//! Numbers that are no subscribers: emergency and premium short numbers by country, matched before anything is parsed.

/// Countries and their emergency numbers. 112 and 911 count everywhere: phones reach help by them nearly everywhere.
const EMERGENCY: &[(&str, &[&str])] = &[
    ("AE", &["997", "998", "999"]),
    ("AT", &["122", "128", "133", "140", "141", "144"]),
    ("AU", &["000", "106"]),
    ("BE", &["100", "101"]),
    ("BG", &["150", "160", "166"]),
    ("BR", &["190", "192", "193"]),
    ("CH", &["117", "118", "144", "1414"]),
    ("CN", &["110", "119", "120", "122"]),
    ("CY", &["199"]),
    ("CZ", &["150", "155", "156", "158"]),
    ("DE", &["110"]),
    ("ES", &["061", "062", "080", "085", "088", "091", "092"]),
    ("FR", &["15", "17", "18", "114", "115", "119", "191", "196"]),
    ("GB", &["999"]),
    ("GG", &["999"]),
    ("GR", &["100", "108", "166", "199"]),
    ("HR", &["192", "193", "194", "195"]),
    ("HU", &["104", "105", "107"]),
    ("IE", &["999"]),
    ("IL", &["100", "101", "102"]),
    ("IM", &["999"]),
    ("IN", &["100", "101", "102", "108"]),
    ("IT", &["113", "115", "118"]),
    ("JE", &["999"]),
    ("JP", &["110", "118", "119"]),
    ("KR", &["119"]),
    ("LI", &["117", "118", "144"]),
    ("LU", &["113"]),
    ("LV", &["110", "113"]),
    ("MC", &["15", "17", "18"]),
    ("NO", &["110", "113"]),
    ("NZ", &["111"]),
    ("PL", &["997", "998", "999"]),
    ("RU", &["101", "102", "103", "104"]),
    ("SG", &["995", "999"]),
    ("SI", &["113"]),
    ("SK", &["150", "155", "158", "159"]),
    ("TR", &["110", "155", "156"]),
    ("UA", &["101", "102", "103", "104"]),
    ("ZA", &["10111", "10177"]),
];

/// Calling codes of satellite phones and international premium services (ITU-T E.164 list of country codes): the
/// number library knows them as ordinary.
const COSTLY_CODES: &[i32] = &[870, 881, 882, 883, 979];

/// Countries with a numbering plan, as the number library knows them: a list of their own, so that checking the
/// settings at every start does not load the plans. The test beside the plans compares the two.
const COUNTRIES: &str = "AC AD AE AF AG AI AL AM AO AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT \
    BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER \
    ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GT GU GW GY HK HN HR HT HU ID IE \
    IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV \
    LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP \
    NR NU NZ OM PA PE PF PG PH PK PL PM PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK \
    SL SM SN SO SR SS ST SV SX SY SZ TA TC TD TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG US UY UZ VA \
    VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW";

/// Whether this is a country with a numbering plan.
pub(crate) fn known_country(country: &str) -> bool {
    country.len() == 2 && COUNTRIES.split(' ').any(|code| code.eq_ignore_ascii_case(country))
}

/// Whether these digits call for help in this country (two capital letters).
pub(super) fn emergency(country: &str, digits: &str) -> bool {
    matches!(digits, "112" | "911")
        || EMERGENCY
            .iter()
            .any(|(code, numbers)| code.eq_ignore_ascii_case(country) && numbers.contains(&digits))
}

/// Directory enquiries, which hide expensive connections behind short numbers.
pub(super) fn premium_short(country: &str, digits: &str) -> bool {
    let enquiries = ["DE", "AT", "FR", "GB", "IE", "ES", "BE", "GR", "SE", "FI"];
    enquiries.iter().any(|code| code.eq_ignore_ascii_case(country))
        && digits.starts_with("118")
        && (5..=6).contains(&digits.len())
}

/// Whether a country calling code is a costly one.
pub(super) fn costly(code: i32) -> bool {
    COSTLY_CODES.contains(&code)
}

/// Words that stand before an extension.
pub(super) const EXTENSION_WORDS: &[&str] =
    &["durchwahl", "extension", "anschluss", "poste", "apparat", "ext", "xtn", "app", "dw", "x"];

/// Words that stand between two numbers of a list and mean nothing else.
pub(super) const LIST_WORDS: &[&str] = &["or", "oder", "ou", "and", "und", "et"];

/// Words that stand before a number.
pub(super) const LABELS: &[&str] = &[
    "telefon",
    "telephone",
    "téléphone",
    "phone",
    "tel",
    "tél",
    "mobile",
    "mobil",
    "handy",
    "fon",
    "call",
    "fax",
    "durchwahl",
    "dw",
    "ext",
    "extension",
    "poste",
    "cell",
    "m",
    "t",
    "p",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_is_reached_by_country() {
        assert!(emergency("DE", "110") && emergency("de", "112") && emergency("US", "911"));
        assert!(emergency("FR", "15") && !emergency("DE", "15"));
        assert!(!emergency("DE", "1120") && !emergency("DE", ""));
    }

    #[test]
    fn enquiries_are_premium() {
        assert!(premium_short("DE", "11833") && premium_short("FR", "118218"));
        assert!(!premium_short("DE", "118") && !premium_short("US", "11833"));
    }
}
