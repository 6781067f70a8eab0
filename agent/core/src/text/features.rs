//! What the user reads about the features beyond a plain call, in three languages.

use super::{Phrase, phrases};

phrases! {
    NO_REDIAL:
        "Nothing was dialled since the start, so there is nothing to dial again",
        "Seit dem Start wurde nichts gewählt, also kann nichts wiederholt werden",
        "Rien n’a été composé depuis le démarrage : il n’y a rien à recomposer";
}
