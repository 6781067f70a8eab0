//! What the user reads about settings of a phone that parse and make no sense.

use super::{Phrase, phrases};

phrases! {
    IDENTITY:
        "names what tells who calls: at least one of `p-asserted-identity`, `remote-party-id` and `from`, each once",
        "nennt, was sagt, wer anruft: mindestens eines von `p-asserted-identity`, `remote-party-id` und `from`, jedes einmal",
        "dit d’où l’on sait qui appelle : au moins un parmi `p-asserted-identity`, `remote-party-id` et `from`, chacun une fois";
}
