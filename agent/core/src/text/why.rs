//! Reasons that neighbours give as values, in the user's words; their English details stay in the log.

use super::{
    AUDIO_SLOW, FAULT, LOST_FORGOTTEN, LOST_NETWORK, LOST_NO_ACCOUNT, LOST_SILENT, LOST_TARGET,
    LOST_TOO_MANY, LOST_UNACKNOWLEDGED, LOST_UNUSABLE, NO_DESCRIPTION, QUITTING, SOUND_ADDRESS,
    SOUND_DECLINED, SOUND_ENCRYPTED, SOUND_NO_CODEC, SOUND_NO_OFFER, SOUND_NO_PORT, SOUND_NO_SESSION,
    SOUND_NONE, SOUND_UNREADABLE, TEXT_DATE, TEXT_EMPTY, TEXT_IBAN, TEXT_LINK, TEXT_LONG, TEXT_MAIL,
    TEXT_NO_NUMBER, TEXT_TLS,
};
use crate::{
    number::kind::NoNumber,
    plain::plain,
    port::{media::SoundProblem, sip::Loss},
    settings::Language,
};

/// Why there is no sound.
pub(crate) fn sound(language: Language, problem: &SoundProblem) -> String {
    let (phrase, filled) = match problem {
        SoundProblem::NotSdp { .. } => (SOUND_UNREADABLE, ""),
        SoundProblem::NoAudio => (SOUND_NONE, ""),
        SoundProblem::Declined => (SOUND_DECLINED, ""),
        SoundProblem::NoCommonCodec { theirs } => (SOUND_NO_CODEC, theirs.as_str()),
        SoundProblem::Encrypted { profile } => (SOUND_ENCRYPTED, profile.as_str()),
        SoundProblem::Address { .. } => (SOUND_ADDRESS, ""),
        SoundProblem::NoOffer => (SOUND_NO_OFFER, ""),
        SoundProblem::NoDescription => (NO_DESCRIPTION, ""),
        SoundProblem::Slow => (AUDIO_SLOW, ""),
        SoundProblem::NoSession => (SOUND_NO_SESSION, ""),
        SoundProblem::NoPort { .. } => (SOUND_NO_PORT, ""),
        SoundProblem::Fault => (FAULT, ""),
    };
    phrase.say(language, &[&plain(filled)])
}

/// Why a call was lost.
pub(crate) fn lost(language: Language, why: Loss) -> String {
    let phrase = match why {
        Loss::Silent => LOST_SILENT,
        Loss::Unacknowledged => LOST_UNACKNOWLEDGED,
        Loss::Unusable => LOST_UNUSABLE,
        Loss::Network => LOST_NETWORK,
        Loss::Forgotten => LOST_FORGOTTEN,
        Loss::Target => LOST_TARGET,
        Loss::NoTls => super::secure::LOST_NO_TLS,
        Loss::NoAccount => LOST_NO_ACCOUNT,
        Loss::Stranger => super::secure::LOST_STRANGER,
        Loss::Weaker => super::secure::LOST_WEAKER,
        Loss::TooMany => LOST_TOO_MANY,
        Loss::Quitting => QUITTING,
        Loss::Fault => FAULT,
    };
    phrase.say(language, &[])
}

/// Why nothing in a text can be dialled; of the text, the beginning is quoted.
pub fn no_number(language: Language, why: NoNumber, text: &str) -> String {
    let phrase = match why {
        NoNumber::Empty => TEXT_EMPTY,
        NoNumber::TooLong => TEXT_LONG,
        NoNumber::Nothing => TEXT_NO_NUMBER,
        NoNumber::Mail => TEXT_MAIL,
        NoNumber::Date => TEXT_DATE,
        NoNumber::Iban => TEXT_IBAN,
        NoNumber::Link => TEXT_LINK,
        NoNumber::Encrypted => TEXT_TLS,
    };
    let quoted: String = plain(text).chars().take(40).collect();
    phrase.say(language, &[&quoted])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_german_or_french_sentence_holds_no_english_detail() {
        let detail = || "Address already in use".to_owned();
        let problems = [
            SoundProblem::NotSdp { detail: detail() },
            SoundProblem::Address { detail: detail() },
            SoundProblem::NoPort { detail: detail() },
            SoundProblem::NoAudio,
            SoundProblem::Declined,
            SoundProblem::NoOffer,
            SoundProblem::NoDescription,
            SoundProblem::Slow,
            SoundProblem::NoSession,
            SoundProblem::Fault,
        ];
        for problem in problems {
            let english = sound(Language::En, &problem);
            for language in [Language::De, Language::Fr] {
                let said = sound(language, &problem);
                assert!(!said.contains("Address") && said != english && !said.is_empty(), "{said}");
            }
        }
        let codec = SoundProblem::NoCommonCodec { theirs: "opus\u{7}".to_owned() };
        assert_eq!(sound(Language::De, &codec), "kein gemeinsames Tonformat (die Gegenseite hat opus)");
    }
}
