//! What the user reads about text messages, in three languages.

use super::{Phrase, phrases};
use crate::{
    plain::plain,
    port::sip::message::{MOST_TEXT, MessageProblem},
    settings::Language,
};

phrases! {
    TEXT_FROM: "Message from {0}", "Nachricht von {0}", "Message de {0}";
    TEXT_REPLY: "Reply", "Antworten", "Répondre";
    TEXT_AGAIN: "Send again", "Erneut senden", "Renvoyer";
    TEXT_NOT_SENT: "The message to {0} was not sent", "Die Nachricht an {0} ging nicht hinaus", "Le message à {0} n’est pas parti";
    TEXT_NOTHING: "There is no text to send", "Es gibt keinen Text zu senden", "Il n’y a pas de texte à envoyer";
    TEXT_OVERLONG:
        "The text is too long: {0} bytes, and at most {1} can be sent",
        "Der Text ist zu lang: {0} Bytes, und höchstens {1} lassen sich senden",
        "Le texte est trop long : {0} octets, alors que {1} au plus peuvent être envoyés";
    TEXT_NO_EMERGENCY:
        "No text message goes to an emergency number: call it",
        "An eine Notrufnummer geht keine Textnachricht: rufen Sie an",
        "Aucun message ne part vers un numéro d’urgence : appelez-le";
    TEXT_REFUSED:
        "The PBX or the other phone refused it ({0} {1})",
        "Die Telefonanlage oder das andere Telefon hat sie abgewiesen ({0} {1})",
        "Le central ou l’autre téléphone l’a refusé ({0} {1})";
    TEXT_NOT_THERE:
        "Nobody is to be reached there now ({0} {1})",
        "Dort ist gerade niemand zu erreichen ({0} {1})",
        "Personne n’y est joignable en ce moment ({0} {1})";
    TEXT_NO_TEXTS:
        "The PBX or the other phone takes no text messages ({0} {1})",
        "Die Telefonanlage oder das andere Telefon nimmt keine Textnachrichten an ({0} {1})",
        "Le central ou l’autre téléphone n’accepte pas de messages ({0} {1})";
    TEXT_SILENT:
        "No answer came; it may have arrived all the same",
        "Es kam keine Antwort; angekommen sein kann sie trotzdem",
        "Aucune réponse n’est arrivée ; il est peut-être arrivé quand même";
    TEXT_NETWORK:
        "The connection to the PBX failed; it may have arrived all the same",
        "Die Verbindung zur Telefonanlage brach ab; angekommen sein kann sie trotzdem",
        "La liaison avec le central a échoué ; il est peut-être arrivé quand même";
    TEXT_TOO_LONG:
        "It is too long for UDP, and the PBX cannot be reached over TCP: write less, or register with `transport=tcp`",
        "Für UDP ist sie zu lang, und über TCP ist die Telefonanlage nicht zu erreichen: schreiben Sie weniger, oder melden Sie sich mit `transport=tcp` an",
        "Il est trop long pour UDP, et le central est injoignable en TCP : écrivez moins, ou enregistrez-vous avec `transport=tcp`";
    TEXT_TARGET: "This address cannot be written to", "An diese Adresse kann man nicht schreiben", "On ne peut pas écrire à cette adresse";
    TEXT_NO_TLS:
        "The address wants an encrypted way, and the account has none",
        "Die Adresse verlangt einen verschlüsselten Weg, und das Konto hat keinen",
        "L’adresse exige une voie chiffrée, et le compte n’en a pas";
    TEXT_NO_ACCOUNT: "Its account is not set up", "Ihr Konto ist nicht eingerichtet", "Son compte n’est pas configuré";
    TEXT_TOO_MANY: "Too many messages wait already", "Es warten schon zu viele Nachrichten", "Trop de messages attendent déjà";
    TEXT_ENDING: "Trayphone is ending", "Trayphone wird gerade beendet", "Trayphone se ferme";
    TEXT_FAULT:
        "A fault of Trayphone itself; it may have arrived all the same",
        "Ein Fehler von Trayphone selbst; angekommen sein kann sie trotzdem",
        "Une erreur de Trayphone lui-même ; il est peut-être arrivé quand même";
}

/// Why a text message was not sent.
pub(crate) fn why(language: Language, why: &MessageProblem) -> String {
    let phrase = match why {
        MessageProblem::Refused { status, phrase } => {
            let words = match status {
                404 | 410 | 480 | 486 | 600 | 604 => &TEXT_NOT_THERE,
                405 | 415 | 488 | 501 | 606 => &TEXT_NO_TEXTS,
                _ => &TEXT_REFUSED,
            };
            return words.say(language, &[&status.to_string(), &plain(phrase)]);
        }
        MessageProblem::Silent => &TEXT_SILENT,
        MessageProblem::Network => &TEXT_NETWORK,
        MessageProblem::TooLong => &TEXT_TOO_LONG,
        MessageProblem::Target => &TEXT_TARGET,
        MessageProblem::NoTls => &TEXT_NO_TLS,
        MessageProblem::NoAccount => &TEXT_NO_ACCOUNT,
        MessageProblem::TooMany => &TEXT_TOO_MANY,
        MessageProblem::Quitting => &TEXT_ENDING,
        MessageProblem::Fault => &TEXT_FAULT,
    };
    phrase.say(language, &[])
}

/// What is too long for anything.
pub(crate) fn too_long(language: Language, bytes: usize) -> String {
    TEXT_OVERLONG.say(language, &[&bytes.to_string(), &MOST_TEXT.to_string()])
}
