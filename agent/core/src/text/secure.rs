//! What the user reads about encrypted connections and certificates, in three languages.

use super::{Phrase, phrases};

phrases! {
    LOST_NO_TLS:
        "the address asks for an encrypted way, and this account does not register over one (registrar = \"sips:…\")",
        "die Adresse verlangt einen verschlüsselten Weg, und dieses Konto meldet sich nicht über einen an (registrar = \"sips:…\")",
        "l’adresse demande une voie chiffrée, et ce compte ne s’enregistre pas par une telle voie (registrar = \"sips:…\")";
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
    CERT_UNUSABLE:
        "{0}: the certificate of {1} cannot be used ({3}), and nothing was sent",
        "{0}: Das Zertifikat von {1} ist nicht zu gebrauchen ({3}), und es wurde nichts gesendet",
        "{0} : le certificat de {1} est inutilisable ({3}), et rien n’a été envoyé";
    SET_CA:
        "“{0}” is not the whole path of a file, from the root of the disk on",
        "„{0}“ ist nicht der ganze Pfad einer Datei, von der Wurzel des Datenträgers an",
        "« {0} » n’est pas le chemin entier d’un fichier, à partir de la racine du disque";
}
