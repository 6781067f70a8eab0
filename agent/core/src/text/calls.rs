//! What the user reads about calls that did not ring, rang too often, or were taken by themselves.

use super::{Phrase, phrases};

phrases! {
    MANY_CALLS: "{0} more calls", "{0} weitere Anrufe", "{0} autres appels";
    ANSWERED_ITSELF:
        "Answered by itself, as the PBX asked: you can be heard",
        "Auf Wunsch der Telefonanlage von selbst angenommen: Man kann Sie hören",
        "Pris automatiquement à la demande du central : on peut vous entendre";
    KEYS_REFUSED:
        "The other side takes no keys in this call ({0})",
        "Die Gegenseite nimmt in diesem Gespräch keine Tasten an ({0})",
        "Le correspondant n’accepte pas de touches dans cet appel ({0})";
    HELP_AGAIN:
        "{0} was not reached, trying another way",
        "{0} wurde nicht erreicht, es wird ein anderer Weg versucht",
        "{0} n’a pas été joint, essai par une autre voie";
    HELP_BESIDE:
        "{0} does not answer yet, another way is tried as well",
        "{0} antwortet noch nicht, ein anderer Weg wird zugleich versucht",
        "{0} ne répond pas encore, une autre voie est essayée en même temps";
    NO_PATTERN:
        "“{0}” is no number to block, such as +49 30 1234 or 0900*",
        "„{0}“ ist keine Nummer, die man sperren kann, zum Beispiel +49 30 1234 oder 0900*",
        "« {0} » n’est pas un numéro que l’on peut bloquer, comme +49 30 1234 ou 0900*";
    BLOCKED_FULL:
        "{0} numbers are blocked already, no more are possible",
        "Es sind schon {0} Nummern gesperrt, mehr sind nicht möglich",
        "{0} numéros sont déjà bloqués, il n’est pas possible d’en bloquer davantage";
}
