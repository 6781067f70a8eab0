//! What the user reads about watched lines, presence and voice mail, in three languages.

use super::{Phrase, phrases};

phrases! {
    NO_TARGET:
        "“{0}” is neither an extension nor a sip: address",
        "„{0}“ ist weder eine Nebenstelle noch eine sip:-Adresse",
        "« {0} » n’est ni un poste ni une adresse sip:";
    TOO_MANY: "at most {0} can be watched", "höchstens {0} lassen sich beobachten", "on peut en surveiller {0} au plus";
}
