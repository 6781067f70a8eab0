//! Tables of texts and what they mean.

use super::*;

fn germany(change: impl FnOnce(&mut NumberSettings)) -> Dialplan {
    let mut settings = NumberSettings::default();
    change(&mut settings);
    Dialplan::new(&settings)
}

/// One word for an outcome: `dial X`, `ask X Y`, `refuse Why`.
fn said(understood: Understood) -> String {
    let name = |n: &Number| {
        let kind = match n.kind {
            Kind::Plain => String::new(),
            kind => format!("{kind:?}:"),
        };
        let extension = n.extension.as_ref().map(|e| format!(";ext={e}")).unwrap_or_default();
        format!("{kind}{}{extension}", n.dial)
    };
    match understood {
        Understood::Dial(n) => format!("dial {}", name(&n)),
        Understood::Ask(all) => format!("ask {}", all.iter().map(name).collect::<Vec<_>>().join(" ")),
        Understood::Refuse(why) => format!("refuse {why:?}"),
    }
}

fn check(plan: &Dialplan, source: Source, table: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (text, expected) in table {
        let got = said(plan.understand(text, source));
        if got != *expected {
            wrong.push(format!("{text:?}: expected `{expected}`, got `{got}`"));
        }
    }
    assert!(wrong.is_empty(), "{source:?}\n{}", wrong.join("\n"));
}

#[test]
fn selected() {
    check(
        &germany(|_| {}),
        Source::Selection,
        &[
            ("+49 (0)30 / 123-45 67 ext. 12", "dial +49301234567;ext=12"),
            ("+49 (0)30 / 123-45 67", "dial +49301234567"),
            ("tel:+49-30-1234567,,12#", "dial +49301234567;ext=12#"),
            ("+49 171 1234567,,12#", "dial +491711234567;ext=12#"),
            ("0900 1234567,,12", "ask Premium:09001234567;ext=12"),
            ("030 1234567,040 7654321", "ask 0301234567 0407654321"),
            ("tel:+49-30-1234567", "dial +49301234567"),
            ("tel:+49-30-1234567;ext=12", "dial +49301234567;ext=12"),
            ("Tel.: 030 1234567", "dial 0301234567"),
            ("Tel: 030 1234567 (mornings)", "dial 0301234567"),
            ("+49 30\n1234567", "dial +49301234567"),
            ("+49 30 123\r\n45 67\n", "dial +49301234567"),
            ("030 1234567\n040 7654321", "ask 0301234567 0407654321"),
            (
                "030 1234567\n040 7654321\n+33 1 23 45 67 89\n030 1234568\n030 1234569\n030 1234560\n030 1234561",
                "ask 0301234567 0407654321 +33123456789 0301234568 0301234569 0301234560",
            ),
            ("030 1234567\n\n040 7654321", "ask 0301234567 0407654321"),
            ("030 1234567 040 7654321", "ask 0301234567 0407654321"),
            ("030 1234567 / 040 7654321", "ask 0301234567 0407654321"),
            ("030 1234567 or +49 40 7654321", "ask 0301234567 +49407654321"),
            ("+49 30 1234567+49 40 7654321", "ask +49301234567 +49407654321"),
            ("+49 30 1234567, 030/1234567", "dial +49301234567"),
            ("office 030 1234567, home +33 1 23 45 67 89", "ask 0301234567 +33123456789"),
        ],
    );
}

#[test]
fn selected_and_not_dialled_at_once() {
    check(
        &germany(|_| {}),
        Source::Selection,
        &[
            ("alice@example.com", "refuse Mail"),
            ("0301234567@example.com", "refuse Mail"),
            ("23.11.2026", "refuse Date"),
            ("2026-11-23", "refuse Date"),
            ("11/23/2026", "refuse Date"),
            ("23.11.2026 14:30", "refuse Date"),
            ("DE89 3704 0044 0532 0130 00", "refuse Iban"),
            ("DE89370400440532013000", "refuse Iban"),
            ("IBAN: DE89 3704 0044 0532 0130 00, BIC COBADEFFXXX", "refuse Iban"),
            ("*21*0301234567#", "ask Code:*21*0301234567#"),
            ("please dial *21*0301234567# today", "refuse Nothing"),
            ("112", "ask Emergency:112"),
            ("110", "ask Emergency:110"),
            ("+49 112", "ask Emergency:112"),
            ("0900 1 234567", "ask Premium:09001234567"),
            ("11833", "ask Premium:11833"),
            ("+881 6 12345678", "ask Premium:+881612345678"),
            ("", "refuse Empty"),
            (" \n\t\u{200B}", "refuse Empty"),
            ("hello", "refuse Nothing"),
            ("1001", "dial Internal:1001"),
            ("1001, 1002", "ask Internal:1001 Internal:1002"),
            ("order 4711", "refuse Nothing"),
            ("order 471123456", "refuse Nothing"),
            ("1.234.567,89 €", "refuse Nothing"),
            ("192.168.0.1", "refuse Nothing"),
            ("4111 1111 1111 1111", "refuse Nothing"),
            ("2025-2026", "ask Unsure:20252026"),
            ("https://example.com/0301234567", "refuse Nothing"),
            ("Call us: (030) 123 45-67!", "dial 0301234567"),
            ("\u{202A}+49 30 1234567\u{202C}", "dial +49301234567"),
            ("+49\u{A0}30\u{2011}1234567", "dial +49301234567"),
            ("\u{FF0B}\u{FF14}\u{FF19} 30 1234567", "dial +49301234567"),
            ("+39 06 698 12345", "dial +390669812345"),
            ("01 23 45 67 89 +33 1 23 45 67 89", "dial +33123456789"),
        ],
    );
}

#[test]
fn linked() {
    check(
        &germany(|_| {}),
        Source::Link,
        &[
            ("tel:+4930123456", "dial +4930123456"),
            ("TEL:%2B49-30-123456", "dial +4930123456"),
            ("tel://030123456", "dial 030123456"),
            ("callto:+4930123456", "dial +4930123456"),
            ("tel:1001", "dial Internal:1001"),
            ("tel:7042;phone-context=example.com", "dial Internal:7042"),
            ("tel:%2A21%2A0301234567%23", "ask Code:*21*0301234567#"),
            ("tel:*%23", "refuse Link"),
            ("tel:112", "ask Emergency:112"),
            ("tel:0049112", "ask Emergency:112"),
            ("tel:09001234567", "ask Premium:09001234567"),
            // More digits than the plan has: the network takes what it needs and connects.
            ("tel:090012345678", "ask Unsure:090012345678"),
            ("tel:+4990012345678", "ask Unsure:+4990012345678"),
            ("tel:1189912345678901", "ask Unsure:1189912345678901"),
            ("sip:090012345678@pbx.example", "ask Unsure:sip:090012345678@pbx.example"),
            ("sip:1001@pbx.example", "dial Address:sip:1001@pbx.example"),
            ("tel:1234567", "ask Unsure:1234567"),
            ("tel:", "refuse Link"),
            ("tel:abc", "refuse Link"),
            ("sip:600@pbx.example", "dial Address:sip:600@pbx.example"),
            ("sip:*21%23@pbx.example", "ask Code:sip:*21%23@pbx.example"),
            ("sip:112@pbx.example", "ask Emergency:sip:112@pbx.example"),
            ("sip:600@pbx.example;method=BYE?Replaces=1", "dial Address:sip:600@pbx.example"),
            ("mailto:alice@example.com", "refuse Link"),
            ("javascript:0301234567", "refuse Link"),
            ("030 1234567", "dial 0301234567"),
        ],
    );
}

#[test]
fn typed() {
    check(
        &germany(|_| {}),
        Source::Typed,
        &[
            ("600", "dial Internal:600"),
            ("112", "dial Emergency:112"),
            ("110", "dial Emergency:110"),
            ("*21*0301234567#", "dial Code:*21*0301234567#"),
            ("**62*1#", "dial Code:**62*1#"),
            ("0900 1 234567", "dial Premium:09001234567"),
            ("+49 (0)30 / 123-45 67", "dial +49301234567"),
            ("030 1234567", "dial 0301234567"),
            ("1234567", "dial Unsure:1234567"),
            ("090012345678", "dial Unsure:090012345678"),
            ("+", "refuse Nothing"),
            ("abc", "refuse Nothing"),
            ("", "refuse Empty"),
            ("sip:alice@pbx.example", "dial Address:sip:alice@pbx.example"),
            ("alice@pbx.example", "dial Address:sip:alice@pbx.example"),
            ("sips:alice@pbx.example", "dial Address:sips:alice@pbx.example"),
            ("sip:alice@pbx.example;transport=TLS", "dial Address:sip:alice@pbx.example;transport=tls"),
            ("sips:600", "refuse Encrypted"),
            ("sip:600;transport=tls", "refuse Encrypted"),
            ("sip:600;transport=tcp", "dial Internal:600"),
            ("030 1234567 ext. 12,34", "dial 0301234567;ext=1234"),
            ("0171 1234567,,12#", "dial 01711234567;ext=12#"),
            ("0171 1234567p12w3", "dial 01711234567;ext=123"),
            ("600,1", "dial Internal:600;ext=1"),
            ("030 1234567,040 7654321", "ask 0301234567 0407654321"),
            ("030 1234567,0407654321", "ask 0301234567 0407654321"),
            ("tel:112", "dial Emergency:112"),
            ("http://x", "refuse Nothing"),
            ("1", "dial Internal:1"),
        ],
    );
}

#[test]
fn with_an_outside_prefix() {
    let plan = germany(|s| {
        s.outside_prefix = "0".to_owned();
        s.area = "30".to_owned();
    });
    check(
        &plan,
        Source::Typed,
        &[
            ("1001", "dial Internal:1001"),
            ("030 1234567", "dial 00301234567"),
            ("0 030 1234567", "dial 00301234567"),
            ("+49 30 1234567", "dial 00301234567"),
            ("+33 1 23 45 67 89", "dial 00033123456789"),
            ("1234567", "dial 01234567"),
            ("112", "dial Emergency:112"),
            ("0112", "dial Emergency:0112"),
            ("*21#", "dial Code:*21#"),
            ("0900 1 234567", "dial Premium:009001234567"),
            ("11833", "dial Premium:011833"),
        ],
    );
}

#[test]
fn in_america() {
    let plan = germany(|s| {
        s.country = "US".to_owned();
        s.outside_prefix = "9".to_owned();
    });
    check(
        &plan,
        Source::Selection,
        &[
            ("(212) 555-0123", "dial 92125550123"),
            ("9 212 555 0123", "dial 92125550123"),
            ("+1 212 555 0123", "dial 912125550123"),
            ("+49 30 1234567", "dial 901149301234567"),
            ("911", "ask Emergency:911"),
            ("9911", "ask Emergency:9911"),
            ("212-555-0123\n212-555-0199", "ask 92125550123 92125550199"),
        ],
    );
}

#[test]
fn a_megabyte_is_refused_at_once() {
    let plan = germany(|_| {});
    for text in ["1".repeat(1 << 20), "+49 30 1234567 ".repeat(70_000), "é".repeat(1 << 19)] {
        for source in [Source::Selection, Source::Typed, Source::Link] {
            assert_eq!(plan.understand(&text, source), Understood::Refuse(NoNumber::TooLong));
        }
    }
    let most = "030 1234567\n".repeat(LONGEST_TEXT / 12);
    assert!(!matches!(plan.understand(&most, Source::Selection), Understood::Refuse(NoNumber::Empty)));
}

#[test]
fn callers() {
    let look = |plan: &Dialplan, number: &str| {
        let party = Party { number: number.to_owned(), ..Party::default() };
        let caller = plan.caller(&party);
        (caller.lookup.unwrap_or_default(), caller.shown, caller.internal)
    };
    let found = |lookup: &str, shown: &str, internal| (lookup.to_owned(), shown.to_owned(), internal);
    let plan = germany(|_| {});
    assert_eq!(look(&plan, "+49301234567"), found("+49301234567", "+49 30 1234567", false));
    assert_eq!(look(&plan, "0301234567"), found("+49301234567", "+49 30 1234567", false));
    assert_eq!(look(&plan, "0049301234567"), found("+49301234567", "+49 30 1234567", false));
    assert_eq!(look(&plan, "1001"), found("1001", "1001", true));
    assert_eq!(look(&plan, "+4930123"), found("+4930123", "+49 30 123", false));
    assert_eq!(look(&plan, "alice"), found("alice", "alice", false));
    assert_eq!(look(&plan, "*21#"), found("*21#", "*21#", false));
    assert_eq!(look(&plan, ""), found("", "", false));
    let plan = germany(|s| {
        s.outside_prefix = "0".to_owned();
        s.area = "30".to_owned();
    });
    assert_eq!(look(&plan, "00301234567").0, "+49301234567");
    assert_eq!(look(&plan, "003312345678").0, "+493312345678");
    assert_eq!(look(&plan, "00033123456789").0, "+33123456789");
    assert_eq!(look(&plan, "01234567").0, "+49301234567");
    assert_eq!(look(&plan, "1234567").0, "+49301234567");
    assert_eq!(look(&plan, "1001").0, "1001");
    let withheld = Party { number: "+4930".to_owned(), withheld: true, ..Party::default() };
    assert_eq!(plan.caller(&withheld).lookup, None);
}

proptest::proptest! {
    #[test]
    fn nothing_selected_ever_dials_a_code_unasked(text in r"[0-9*#+ ()/.\n a-zäß@;=%,-]{0,60}") {
        let plan = germany(|_| {});
        for source in [Source::Selection, Source::Link] {
            if let Understood::Dial(number) = plan.understand(&text, source) {
                let kind = number.kind;
                let asked = matches!(kind, Kind::Code | Kind::Emergency | Kind::Premium | Kind::Unsure);
                proptest::prop_assert!(!asked, "{number:?}");
                proptest::prop_assert!(kind == Kind::Address || !number.dial.contains(['*', '#']), "{number:?}");
                proptest::prop_assert!(!number.dial.contains(char::is_control));
            }
        }
    }

    #[test]
    fn any_text_is_understood_or_refused(text in r"\PC{0,200}") {
        let plan = germany(|_| {});
        for source in [Source::Selection, Source::Link, Source::Typed] {
            if let Understood::Dial(number) = plan.understand(&text, source) {
                proptest::prop_assert!(!number.dial.is_empty() && number.dial.len() < 400);
            }
        }
    }
}
