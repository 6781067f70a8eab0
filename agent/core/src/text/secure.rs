//! What the user reads about encrypted connections and certificates, in three languages.

use super::{Phrase, phrases};

phrases! {
    LOST_NO_TLS:
        "the address asks for an encrypted way, and this account does not register over one (registrar = \"sips:…\")",
        "die Adresse verlangt einen verschlüsselten Weg, und dieses Konto meldet sich nicht über einen an (registrar = \"sips:…\")",
        "l’adresse demande une voie chiffrée, et ce compte ne s’enregistre pas par une telle voie (registrar = \"sips:…\")";
    LOST_STRANGER:
        "somebody who is not this account’s PBX asks for its password, and did not get it (account.realms names who may)",
        "jemand, der nicht die Anlage dieses Kontos ist, verlangt dessen Passwort und bekam es nicht (account.realms nennt, wer es darf)",
        "quelqu’un qui n’est pas le central de ce compte demande son mot de passe et ne l’a pas obtenu (account.realms dit qui le peut)";
    LOST_WEAKER:
        "the PBX asks for a weaker proof of the password than when the account registered, and did not get it",
        "die Anlage verlangt einen schwächeren Nachweis des Passworts als bei der Anmeldung und bekam ihn nicht",
        "le central demande une preuve du mot de passe plus faible que lors de l’enregistrement et ne l’a pas obtenue";
    REG_WEAKER:
        "{0}: the PBX asks for a weaker proof of the password than before, and got none; if that is meant, start Trayphone anew",
        "{0}: Die Anlage verlangt einen schwächeren Nachweis des Passworts als zuvor und bekam keinen; wenn das so sein soll: Trayphone neu starten",
        "{0} : le central demande une preuve du mot de passe plus faible qu’avant et n’en a reçu aucune ; si c’est voulu : redémarrer Trayphone";
    REG_FORBIDDEN:
        "{0}: the PBX knows the password and does not let this phone register all the same ({1}); ask who looks after it",
        "{0}: Die Anlage kennt das Passwort und lässt dieses Telefon trotzdem nicht zu ({1}); bitte ihren Verwalter fragen",
        "{0} : le central connaît le mot de passe et refuse pourtant ce téléphone ({1}) ; s’adresser à son administrateur";
    CERT_ISSUER:
        "{0}: the certificate of {1} is from nobody this computer trusts, and nothing was sent. If your PBX made it itself, compare its key {2} there and write it into the account: certificate = \"{2}\", or name the file of its authority with `ca`",
        "{0}: Das Zertifikat von {1} stammt von niemandem, dem dieser Computer vertraut, und es wurde nichts gesendet. Hat die Anlage es selbst gemacht, vergleichen Sie dort ihren Schlüssel {2} und schreiben Sie ihn ins Konto: certificate = \"{2}\", oder nennen Sie die Datei ihrer Zertifizierungsstelle mit `ca`",
        "{0} : le certificat de {1} ne vient de personne en qui cet ordinateur ait confiance, et rien n’a été envoyé. Si le central l’a fait lui-même, comparez-y sa clé {2} et inscrivez-la dans le compte : certificate = \"{2}\", ou nommez le fichier de son autorité avec `ca`";
    CERT_NAME:
        "{0}: the certificate that was shown is for {3} and not for {1}, and nothing was sent. Write the name it is for as the registrar, or have the PBX's certificate made anew",
        "{0}: Das gezeigte Zertifikat gilt für {3} und nicht für {1}, und es wurde nichts gesendet. Tragen Sie als Registrar den Namen ein, für den es gilt, oder lassen Sie das Zertifikat der Anlage neu ausstellen",
        "{0} : le certificat présenté vaut pour {3} et non pour {1}, et rien n’a été envoyé. Indiquez comme registrar le nom pour lequel il vaut, ou faites refaire le certificat du central";
    CERT_EXPIRED:
        "{0}: the certificate of {1} is out of date, and nothing was sent. Whoever looks after the PBX must renew it; if this computer's date is wrong, set that right",
        "{0}: Das Zertifikat von {1} ist abgelaufen, und es wurde nichts gesendet. Wer die Anlage betreut, muss es erneuern; geht die Uhr dieses Computers falsch, stellen Sie sie",
        "{0} : le certificat de {1} est périmé, et rien n’a été envoyé. La personne chargée du central doit le renouveler ; si la date de cet ordinateur est fausse, corrigez-la";
    CERT_EARLY:
        "{0}: the certificate of {1} is not valid yet, and nothing was sent. Most likely the clock of this computer or of the PBX is wrong",
        "{0}: Das Zertifikat von {1} gilt noch nicht, und es wurde nichts gesendet. Wahrscheinlich geht die Uhr dieses Computers oder der Anlage falsch",
        "{0} : le certificat de {1} n’est pas encore valable, et rien n’a été envoyé. L’horloge de cet ordinateur ou du central est sans doute fausse";
    CERT_CHANGED:
        "{0}: WARNING, {1} showed another key than before, and nothing was sent: {2} instead of {3}. Somebody may be listening in. Ask whoever looks after the PBX, and only if they changed it write the new one into the account as `certificate`",
        "{0}: WARNUNG, {1} hat einen anderen Schlüssel gezeigt als bisher, und es wurde nichts gesendet: {2} statt {3}. Vielleicht hört jemand mit. Fragen Sie, wer die Anlage betreut, und nur wenn er dort geändert wurde, schreiben Sie den neuen als `certificate` ins Konto",
        "{0} : ATTENTION, {1} a montré une autre clé qu’avant, et rien n’a été envoyé : {2} au lieu de {3}. Quelqu’un écoute peut-être. Demandez à la personne chargée du central, et seulement si elle l’a changée, inscrivez la nouvelle comme `certificate` dans le compte";
    CERT_CHANGED_KEPT:
        "{0}: WARNING, {1} showed another key than at its first use, and nothing was sent: {2} instead of {3}. Somebody may be listening in. Ask whoever looks after the PBX, and only if they changed it: trayphone account trust {0}",
        "{0}: WARNUNG, {1} hat einen anderen Schlüssel gezeigt als beim ersten Mal, und es wurde nichts gesendet: {2} statt {3}. Vielleicht hört jemand mit. Fragen Sie, wer die Anlage betreut, und nur wenn er dort geändert wurde: trayphone account trust {0}",
        "{0} : ATTENTION, {1} a montré une autre clé que la première fois, et rien n’a été envoyé : {2} au lieu de {3}. Quelqu’un écoute peut-être. Demandez à la personne chargée du central, et seulement si elle l’a changée : trayphone account trust {0}";
    CERT_UNUSABLE:
        "{0}: the certificate of {1} cannot be used ({3}), and nothing was sent",
        "{0}: Das Zertifikat von {1} ist nicht zu gebrauchen ({3}), und es wurde nichts gesendet",
        "{0} : le certificat de {1} est inutilisable ({3}), et rien n’a été envoyé";
    WEB_STATUS:
        "{0}: {1} opens no WebSocket under “{2}” (it answers {3}). Write the path your PBX has it under into the account as `websocket_path`: Asterisk has /ws, FreeSWITCH /; and check the port of the registrar",
        "{0}: {1} öffnet unter „{2}“ keinen WebSocket (Antwort {3}). Tragen Sie den Pfad, unter dem Ihre Anlage ihn hat, als `websocket_path` ins Konto ein: Asterisk hat /ws, FreeSWITCH /; und prüfen Sie den Port des Registrars",
        "{0} : {1} n’ouvre pas de WebSocket sous « {2} » (réponse {3}). Inscrivez dans le compte, comme `websocket_path`, le chemin sous lequel le central l’offre : Asterisk a /ws, FreeSWITCH / ; et vérifiez le port du registrar";
    WEB_REFUSED:
        "{0}: {1} keeps its WebSocket under “{2}” for others (it answers {3}), before any password was asked for. Whoever looks after the PBX must let this computer in",
        "{0}: {1} behält seinen WebSocket unter „{2}“ anderen vor (Antwort {3}), noch ehe nach einem Passwort gefragt wurde. Wer die Anlage betreut, muss diesen Computer zulassen",
        "{0} : {1} réserve son WebSocket sous « {2} » à d’autres (réponse {3}), avant même de demander un mot de passe. La personne chargée du central doit admettre cet ordinateur";
    WEB_REDIRECTED:
        "{0}: {1} sends whoever asks for the WebSocket “{2}” elsewhere ({3}), where this phone does not follow. Write the right place into the account (`registrar` and `websocket_path`)",
        "{0}: {1} schickt, wer den WebSocket „{2}“ verlangt, anderswohin ({3}); dorthin folgt dieses Telefon nicht. Tragen Sie die richtige Stelle ins Konto ein (`registrar` und `websocket_path`)",
        "{0} : {1} renvoie ailleurs qui demande le WebSocket « {2} » ({3}), où ce téléphone ne suit pas. Inscrivez le bon endroit dans le compte (`registrar` et `websocket_path`)";
    WEB_NO_SIP:
        "{0}: {1} has a WebSocket under “{2}”, but not one for SIP: it does not agree to the sub-protocol “sip”. Most likely `websocket_path` or the port is that of something else",
        "{0}: {1} hat unter „{2}“ einen WebSocket, aber keinen für SIP: Er sagt das Unterprotokoll „sip“ nicht zu. Wahrscheinlich gehören `websocket_path` oder Port zu etwas anderem",
        "{0} : {1} a un WebSocket sous « {2} », mais pas pour SIP : il n’accepte pas le sous-protocole « sip ». Le `websocket_path` ou le port est sans doute celui d’autre chose";
    WEB_GARBLED:
        "{0}: what answers at {1} speaks no WebSocket ({3}). Check the port of the registrar, and whether it wants transport=wss or ws",
        "{0}: Was bei {1} antwortet, spricht keinen WebSocket ({3}). Prüfen Sie den Port des Registrars, und ob er transport=wss oder ws verlangt",
        "{0} : ce qui répond à {1} ne parle pas WebSocket ({3}). Vérifiez le port du registrar, et s’il veut transport=wss ou ws";
    SET_PATH:
        "“{0}” is not a path like /ws: it begins with “/” and has no blanks",
        "„{0}“ ist kein Pfad wie /ws: Er beginnt mit „/“ und hat keine Leerzeichen",
        "« {0} » n’est pas un chemin comme /ws : il commence par « / » et n’a pas d’espaces";
    SET_CA:
        "“{0}” is not the whole path of a file, from the root of the disk on",
        "„{0}“ ist nicht der ganze Pfad einer Datei, von der Wurzel des Datenträgers an",
        "« {0} » n’est pas le chemin entier d’un fichier, à partir de la racine du disque";
}
