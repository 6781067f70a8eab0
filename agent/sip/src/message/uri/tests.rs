//! Addresses, good and bad.

use super::{Uri, escape_user};

fn uri(text: &str) -> Uri {
    text.parse().unwrap_or_else(|wrong| panic!("{text}: {wrong}"))
}

fn same(a: &str, b: &str) -> bool {
    let (a, b) = (uri(a), uri(b));
    assert_eq!(a.same(&b), b.same(&a), "equality must not depend on the order");
    a.same(&b)
}

#[test]
fn the_parts_are_found() {
    let whole = "sips:alice:pw@pbx.example:5061;transport=tcp;lr?Subject=a%20b&X=1";
    let parsed = uri(whole);
    let sip = parsed.as_sip().unwrap();
    assert!(sip.secure);
    assert_eq!(sip.user.as_ref().unwrap(), "alice");
    assert_eq!(sip.password.as_ref().unwrap(), "pw");
    assert_eq!((sip.host.to_string(), sip.port), ("pbx.example".to_owned(), Some(5061)));
    assert_eq!(sip.param("Transport").as_deref(), Some(&b"tcp"[..]));
    assert_eq!(sip.param("lr").as_deref(), Some(&b""[..]));
    assert_eq!(sip.headers.len(), 2);
    assert_eq!(parsed.to_string(), whole);
}

#[test]
fn semicolons_and_question_marks_may_stand_in_the_user_part() {
    let parsed = uri("sip:user;par=u%40example.net@example.com");
    assert_eq!(parsed.user_text().unwrap(), "user;par=u@example.net");
    assert_eq!(parsed.as_sip().unwrap().host.to_string(), "example.com");
}

#[test]
fn an_unescaped_at_sign_in_the_user_part_does_no_harm() {
    assert_eq!(uri("sip:j@[::1]").as_sip().unwrap().host.to_string(), "[::1]");
    let parsed = uri("sip:a:b@c@pbx.example");
    assert_eq!(parsed.as_sip().unwrap().host.to_string(), "pbx.example");
}

#[test]
fn escaped_parameters_are_the_same_parameters() {
    let parsed = uri("sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31");
    let sip = parsed.as_sip().unwrap();
    assert_eq!(sip.user_text().unwrap(), "caller");
    assert_eq!(sip.param("lr").as_deref(), Some(&b""[..]));
    assert_eq!(sip.param("name").as_deref(), Some(&b"value%41"[..]));
}

#[test]
fn blanks_and_raw_bytes_are_escaped_when_read() {
    let parsed = Uri::parse(b"sip:J\xfcrgen X@pbx.example").unwrap();
    assert_eq!(parsed.to_string(), "sip:J%FCrgen%20X@pbx.example");
    assert_eq!(parsed.user_text().unwrap().to_text(), "Jürgen X");
}

#[test]
fn tel_and_strangers() {
    let Uri::Tel(tel) = uri("tel:+49-(30)-123.45;phone-context=x") else { panic!("a tel URI") };
    assert_eq!(tel.digits(), "+493012345");
    assert_eq!(uri("soap.beep://192.0.2.103:3002").scheme(), "soap.beep");
    for bad in [
        "",
        "alice",
        "<sip:a@b>",
        "sip:",
        "sip:a@",
        "sip:a@b:99999",
        "sip:a@b c",
        "1sip:a@b",
        "tel:",
        "sip:a@;x",
    ] {
        assert!(Uri::parse(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn equality_follows_the_examples_of_rfc_3261_section_19_1_4() {
    assert!(same("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"));
    assert!(same("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"));
    assert!(same("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5"));
    assert!(same(
        "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
        "sip:alice@atlanta.com?priority=urgent&subject=project%20x"
    ));
    assert!(!same("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"));
    assert!(!same("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"));
    assert!(!same("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"));
    assert!(!same("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"));
    assert!(!same("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"));
    assert!(!same("sip:a@b;security=on", "sip:a@b;security=off"));
}

#[test]
fn user_parts_are_escaped_for_building() {
    assert_eq!(escape_user("+49 30#1@x"), "+49%2030%231%40x");
    assert_eq!(escape_user("*21*0#"), "*21*0%23");
}

#[test]
fn a_stray_at_sign_cannot_move_the_host() {
    // An empty user part is dropped: the second `@` must not become the first when printed.
    let odd = uri("sip:@a?ler@example.com");
    assert_eq!(odd.to_string(), "sip:a?ler%40example.com=");
    assert_eq!(uri(&odd.to_string()), odd);
    let odd = uri("sip:u@a;p=x@y.example");
    assert_eq!(odd.to_string(), "sip:u@a;p=x%40y.example");
    assert_eq!(uri(&odd.to_string()), odd);
}
