//! What the user reads about who called whom, by which way, and what the telephone network says of it.

use super::{Phrase, phrases};
use crate::{port::sip::ForwardReason, settings::Language};

phrases! {
    FOR_LINE_NAMED: "for {0} ({1})", "für {0} ({1})", "pour {0} ({1})";
    FORWARDED: "forwarded by {0}", "weitergeleitet von {0}", "renvoyé par {0}";
    FORWARDED_WHY: "forwarded by {0} ({1})", "weitergeleitet von {0} ({1})", "renvoyé par {0} ({1})";
    FORWARDED_TIMES: "{0}, {1} times", "{0}, {1}-mal", "{0}, {1} fois";
    WHY_ALWAYS: "always", "immer", "toujours";
    WHY_BUSY: "busy", "besetzt", "occupé";
    WHY_NO_ANSWER: "no answer", "keine Antwort", "pas de réponse";
    WHY_UNREACHABLE: "not reachable", "nicht erreichbar", "injoignable";
    WHY_DEFLECTED: "sent on", "weitergereicht", "transmis";
    WHY_DISTURB: "do not disturb", "Ruhe", "ne pas déranger";
    WHY_TIME: "at this hour", "zu dieser Zeit", "à cette heure";
    DECLINED_ELSEWHERE: "Declined on another phone", "An einem anderen Telefon abgelehnt", "Refusé sur un autre téléphone";
    BUSY_EVERYWHERE: "Busy on every phone", "An allen Telefonen besetzt", "Occupé sur tous les téléphones";

    // Causes of the telephone network (ITU-T Q.850).
    CAUSE_UNKNOWN_NUMBER: "This number does not exist", "Diese Nummer gibt es nicht", "Ce numéro n’existe pas";
    CAUSE_NO_ROUTE:
        "No way leads to this number from here",
        "Zu dieser Nummer führt von hier kein Weg",
        "Aucune route ne mène à ce numéro d’ici";
    CAUSE_NO_ANSWER: "Nobody answers", "Niemand nimmt ab", "Personne ne répond";
    CAUSE_ABSENT:
        "The other side cannot be reached at the moment",
        "Die Gegenseite ist zurzeit nicht erreichbar",
        "Le correspondant n’est pas joignable pour le moment";
    CAUSE_REJECTED: "The call was rejected", "Der Anruf wurde zurückgewiesen", "L’appel a été rejeté";
    CAUSE_CHANGED: "This number has changed", "Diese Nummer hat sich geändert", "Ce numéro a changé";
    CAUSE_OUT_OF_ORDER: "The line is out of order", "Der Anschluss ist gestört", "La ligne est en dérangement";
    CAUSE_INCOMPLETE: "The number is not complete", "Die Nummer ist unvollständig", "Le numéro est incomplet";
    CAUSE_LINES_BUSY:
        "All outside lines are busy; try again in a moment",
        "Alle Amtsleitungen sind belegt; versuchen Sie es gleich noch einmal",
        "Toutes les lignes extérieures sont occupées ; réessayez dans un instant";
    CAUSE_NETWORK:
        "The telephone network is out of order",
        "Das Telefonnetz ist gestört",
        "Le réseau téléphonique est en panne";
    CAUSE_NOT_ALLOWED:
        "This line may not call that number",
        "Dieser Anschluss darf diese Nummer nicht anrufen",
        "Cette ligne n’a pas le droit d’appeler ce numéro";
    CAUSE_INCOMPATIBLE:
        "The other side cannot take a call of this kind",
        "Die Gegenseite kann einen solchen Anruf nicht annehmen",
        "Le correspondant ne peut pas prendre un appel de ce type";
}

/// Why a call was forwarded, if it was said.
pub(crate) fn why(language: Language, why: ForwardReason) -> Option<String> {
    let phrase = match why {
        ForwardReason::Always => &WHY_ALWAYS,
        ForwardReason::Busy => &WHY_BUSY,
        ForwardReason::NoAnswer => &WHY_NO_ANSWER,
        ForwardReason::Unreachable => &WHY_UNREACHABLE,
        ForwardReason::Deflected => &WHY_DEFLECTED,
        ForwardReason::DoNotDisturb => &WHY_DISTURB,
        ForwardReason::TimeOfDay => &WHY_TIME,
        ForwardReason::Unknown => return None,
    };
    Some(phrase.say(language, &[]))
}

/// What a cause of the telephone network means to a person; `None` for what is no news (16: the call is over) and for what
/// nobody but a technician understands.
pub(crate) fn cause(language: Language, q850: u8) -> Option<String> {
    let phrase = match q850 {
        1 => &CAUSE_UNKNOWN_NUMBER,
        2 | 3 => &CAUSE_NO_ROUTE,
        17 => &super::CALL_BUSY,
        18 | 19 => &CAUSE_NO_ANSWER,
        20 => &CAUSE_ABSENT,
        21 => &CAUSE_REJECTED,
        22 => &CAUSE_CHANGED,
        27 => &CAUSE_OUT_OF_ORDER,
        28 => &CAUSE_INCOMPLETE,
        34 | 42 | 44 => &CAUSE_LINES_BUSY,
        38 | 41 | 47 | 102 => &CAUSE_NETWORK,
        29 | 50 | 52..=57 => &CAUSE_NOT_ALLOWED,
        58 | 65 | 79 | 88 => &CAUSE_INCOMPATIBLE,
        _ => return None,
    };
    Some(phrase.say(language, &[]))
}
