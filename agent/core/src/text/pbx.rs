//! What the user reads about the kind of PBX and its codes, in three languages.

use super::{Phrase, phrases};

phrases! {
    UNVERIFIED:
        "The code {0} is dialled, and nobody has verified it",
        "Der Code {0} wird gewählt und ist nicht überprüft",
        "Le code {0} est composé et n’a pas été vérifié";
    UNVERIFIED_MORE:
        "It may mean something else to this PBX; `trayphone profiles` shows where codes come from",
        "Er kann in dieser Anlage etwas anderes bedeuten; `trayphone profiles` zeigt, woher Codes stammen",
        "Il peut signifier autre chose pour ce central ; `trayphone profiles` indique l’origine des codes";
    SET_PROFILE:
        "no PBX profile is called “{0}”: write `auto`, `none`, the whole path of a file, or one of {1}",
        "„{0}“ heißt kein Profil einer Anlage: `auto`, `none`, den ganzen Pfad einer Datei oder eines von {1} schreiben",
        "aucun profil de central ne s’appelle « {0} » : écrire `auto`, `none`, le chemin complet d’un fichier ou l’un de {1}";
}
