//! What the user reads about networks that change, in three languages.

use super::{Phrase, phrases};

phrases! {
    MOVE_FAILED:
        "{0}: the call could not follow to the new network ({1})",
        "{0}: Das Gespräch konnte nicht ins neue Netz mitgenommen werden ({1})",
        "{0} : l’appel n’a pas pu suivre vers le nouveau réseau ({1})";
}
