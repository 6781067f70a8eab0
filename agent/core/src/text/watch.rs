//! What the user reads about watched lines, presence and voice mail, in three languages.

use super::{Phrase, phrases};

phrases! {
    NO_TARGET:
        "“{0}” is neither an extension nor a sip: address",
        "„{0}“ ist weder eine Nebenstelle noch eine sip:-Adresse",
        "« {0} » n’est ni un poste ni une adresse sip:";
    MAIL: "Voice mail is waiting", "Auf der Mailbox wartet eine Nachricht", "Un message vocal attend";
    MAIL_ONE: "1 new voice message", "1 neue Sprachnachricht", "1 nouveau message vocal";
    MAIL_MANY: "{0} new voice messages", "{0} neue Sprachnachrichten", "{0} nouveaux messages vocaux";
    PICK_UP: "Pick up {0}, who is calling {1}", "{0} übernehmen (ruft {1} an)", "Prendre l’appel de {0} pour {1}";
    SETTLED:
        "{0} stands in the settings: take it out there",
        "{0} steht in den Einstellungen: dort lässt es sich herausnehmen",
        "{0} figure dans les réglages : c’est là qu’il faut le retirer";
    NOT_PUBLISHED:
        "No account tells the PBX your presence: set `publish = true` for one",
        "Kein Konto sagt der Telefonanlage, wie es um Sie steht: bei einem gehört `publish = true` hin",
        "Aucun compte ne dit au standard où vous en êtes : mettez `publish = true` pour l’un d’eux";
    TOO_MANY: "at most {0} can be watched", "höchstens {0} lassen sich beobachten", "on peut en surveiller {0} au plus";
}
