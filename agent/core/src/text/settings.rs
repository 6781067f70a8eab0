//! What the user reads about settings of a phone that parse and make no sense.

use super::{Phrase, phrases};

phrases! {
    BLOCKED:
        "“{0}” is no number to block, such as +49 30 1234 or 0900*",
        "„{0}“ ist keine Nummer zum Sperren, zum Beispiel +49 30 1234 oder 0900*",
        "« {0} » n’est pas un numéro à bloquer, comme +49 30 1234 ou 0900*";
    BLOCKED_MANY:
        "at most {0} numbers can be blocked",
        "höchstens {0} Nummern können gesperrt werden",
        "{0} numéros au plus peuvent être bloqués";
    PROXY:
        "“{0}” is not like sip:proxy.example:5060;transport=tcp (udp, tcp or tls)",
        "„{0}“ hat nicht die Form sip:proxy.example:5060;transport=tcp (udp, tcp oder tls)",
        "« {0} » n’est pas de la forme sip:proxy.example:5060;transport=tcp (udp, tcp ou tls)";
    REALMS:
        "at most {0} realms, each as the PBX writes it",
        "höchstens {0} Realms, jeder wie die Anlage ihn schreibt",
        "au plus {0} domaines d’authentification, chacun tel que le central l’écrit";
    PROXIES:
        "at most {0} proxies can stand on the way",
        "höchstens {0} Proxys können auf dem Weg stehen",
        "{0} proxys au plus peuvent être sur le chemin";
    IDENTITY:
        "names what tells who calls: at least one of `p-asserted-identity`, `remote-party-id` and `from`, each once",
        "nennt, was sagt, wer anruft: mindestens eines von `p-asserted-identity`, `remote-party-id` und `from`, jedes einmal",
        "dit d’où l’on sait qui appelle : au moins un parmi `p-asserted-identity`, `remote-party-id` et `from`, chacun une fois";
}
