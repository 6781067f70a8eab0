//! What the user reads about encrypted connections and certificates, in three languages.

use super::{Phrase, phrases};

phrases! {
    LOST_NO_TLS:
        "the address asks for an encrypted way, and this account does not register over one (registrar = \"sips:…\")",
        "die Adresse verlangt einen verschlüsselten Weg, und dieses Konto meldet sich nicht über einen an (registrar = \"sips:…\")",
        "l’adresse demande une voie chiffrée, et ce compte ne s’enregistre pas par une telle voie (registrar = \"sips:…\")";
}
