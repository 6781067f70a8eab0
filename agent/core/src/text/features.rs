//! What the user reads about the features beyond a plain call, in three languages.

use super::{Phrase, phrases};

phrases! {
    NO_REDIAL:
        "Nothing was dialled yet, so there is nothing to dial again",
        "Es wurde noch nichts gewählt, also kann nichts wiederholt werden",
        "Rien n’a encore été composé : il n’y a rien à recomposer";
}
