//! What the user reads about calls that change hands, in three languages.

use super::{Phrase, phrases};
use crate::{port::sip::transfer::TransferProblem, settings::Language};

phrases! {
    TRANSFERRED: "Transferred to {0}", "Vermittelt an {0}", "Transféré à {0}";
    TRANSFERRED_UNHEARD:
        "Handed over to {0}; whether somebody answered there is not known",
        "Übergeben an {0}; ob dort jemand abnahm, ist nicht bekannt",
        "Transmis à {0} ; on ne sait pas si quelqu’un y a répondu";
    TRANSFER_FAILED:
        "Not transferred to {0}: {1}. The call is on hold",
        "Nicht an {0} vermittelt: {1}. Das Gespräch wird gehalten",
        "Pas transféré à {0} : {1}. L’appel est en attente";
    TRANSFER_REFUSED:
        "the other side does not take transfers ({0} {1})",
        "die Gegenseite lässt sich nicht vermitteln ({0} {1})",
        "l’autre partie n’accepte pas de transfert ({0} {1})";
    TRANSFER_NOT_TAKEN: "it was not taken there ({0} {1})", "dort wurde nicht angenommen ({0} {1})", "personne n’a pris l’appel là-bas ({0} {1})";
    TRANSFER_SILENT: "no word of it came", "es kam keine Nachricht davon", "aucune nouvelle n’est arrivée";
    TRANSFER_UNTOLD:
        "the other side did not say how it went",
        "die Gegenseite sagte nicht, wie es ausging",
        "l’autre partie n’a pas dit ce qu’il en est";
    TRANSFER_TARGET: "this address cannot be called", "diese Adresse kann nicht angerufen werden", "cette adresse n’est pas joignable";
    TRANSFER_NOT_NOW: "the call is not up any more", "das Gespräch besteht nicht mehr", "l’appel n’est plus établi";
    TRANSFER_UNDER_WAY:
        "{0} is being transferred already; resume the call to take it back",
        "{0} wird schon vermittelt; Fortsetzen holt das Gespräch zurück",
        "{0} est déjà en cours de transfert ; reprendre l’appel l’annule";
    TRANSFER_WHERE:
        "Say where the call goes: a number, or another call of yours",
        "Wohin soll das Gespräch? Eine Nummer oder ein anderes Gespräch fehlt",
        "Indiquez où va l’appel : un numéro ou un autre de vos appels";
    TRANSFER_OTHER_LINE:
        "These two calls cannot be connected: one of them is not up",
        "Diese beiden Gespräche lassen sich nicht verbinden: eines besteht nicht",
        "Ces deux appels ne peuvent être reliés : l’un d’eux n’est pas établi";
    TRANSFER_OTHER_PBX:
        "These two calls cannot be connected: they are at different PBXs ({0} and {1})",
        "Diese beiden Gespräche lassen sich nicht verbinden: sie laufen über verschiedene Telefonanlagen ({0} und {1})",
        "Ces deux appels ne peuvent être reliés : ils passent par des PBX différents ({0} et {1})";
    CONNECT_BOTH: "Connect {0} and {1}", "Verbinden: {0} und {1}", "Relier {0} et {1}";
    SENT_ON: "{0} transfers you to {1}", "{0} vermittelt Sie an {1}", "{0} vous transfère à {1}";
    ASK_SENT_ON:
        "{0} wants to transfer you to {1}. Call it?",
        "{0} will Sie an {1} vermitteln. Anrufen?",
        "{0} veut vous transférer à {1}. Appeler ?";
    ASK_REDIRECTED:
        "{0} sends your call on to {1}. Call it?",
        "{0} leitet Ihren Anruf an {1} weiter. Anrufen?",
        "{0} renvoie l’appel vers {1}. Appeler ?";
    ASK_REMOTE:
        "The PBX asks you to call {0}. Call it?",
        "Die Anlage bittet Sie, {0} anzurufen. Anrufen?",
        "Le central vous demande d’appeler {0}. Appeler ?";
    REMOTE_DIAL:
        "Called because the PBX asked for it",
        "Angerufen, weil die Anlage darum bat",
        "Appelé à la demande du central";
    TOOK_PLACE: "{0} took the place of {1}", "{0} ist jetzt statt {1} im Gespräch", "{0} remplace {1}";
    DEFLECTED: "Sent on to {0}", "Weitergeleitet an {0}", "Renvoyé vers {0}";
    CONFERENCE: "Conference with {0}", "Konferenz mit {0}", "Conférence avec {0}";
    CONFERENCE_BOTH: "Conference of {0} and {1}", "Konferenz: {0} und {1}", "Conférence : {0} et {1}";
    CONFERENCE_SPLIT: "End the conference, keep the calls", "Konferenz auflösen, Gespräche behalten", "Dissoudre la conférence, garder les appels";
    CONFERENCE_TOO_FEW:
        "A conference needs two calls that are up",
        "Eine Konferenz braucht zwei bestehende Gespräche",
        "Une conférence demande deux appels établis";
    CONFERENCE_TOO_MANY:
        "A conference holds at most {0} calls",
        "Eine Konferenz fasst höchstens {0} Gespräche",
        "Une conférence réunit au plus {0} appels";
    CONFERENCE_NONE: "There is no conference", "Es gibt keine Konferenz", "Il n’y a pas de conférence";
    PICKUP_WHAT:
        "Say which call to pick up: a number or its dialog",
        "Welcher Anruf soll herangeholt werden? Nummer oder Dialog fehlt",
        "Indiquez quel appel prendre : un numéro ou son dialogue";
    NO_CODE:
        "The PBX’s code for this is not known",
        "Der Code der Telefonanlage dafür ist nicht bekannt",
        "Le code du central pour cela n’est pas connu";
}

/// Why a call was not handed over.
pub(crate) fn problem(language: Language, why: &TransferProblem) -> String {
    let told = |phrase: &Phrase, status: u16, reason: &str| {
        phrase.say(language, &[&status.to_string(), &crate::plain::plain(reason)])
    };
    match why {
        TransferProblem::Refused { status, phrase } => told(&TRANSFER_REFUSED, *status, phrase),
        TransferProblem::NotTaken { status: 486 | 600, .. } => super::CALL_BUSY.say(language, &[]),
        TransferProblem::NotTaken { status: 408 | 480 | 487, .. } => super::CALL_NO_ANSWER.say(language, &[]),
        TransferProblem::NotTaken { status, phrase } => told(&TRANSFER_NOT_TAKEN, *status, phrase),
        TransferProblem::Silent => TRANSFER_SILENT.say(language, &[]),
        TransferProblem::Untold => TRANSFER_UNTOLD.say(language, &[]),
        TransferProblem::Target => TRANSFER_TARGET.say(language, &[]),
        TransferProblem::NotNow => TRANSFER_NOT_NOW.say(language, &[]),
    }
}
