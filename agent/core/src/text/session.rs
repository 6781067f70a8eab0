//! What the user reads about where a call went, in three languages.

use super::{Phrase, phrases};

phrases! {
    MOVED:
        "The call was redirected to {0}",
        "Das Gespräch wurde zu {0} umgeleitet",
        "L’appel a été redirigé vers {0}";
}
