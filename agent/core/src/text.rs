//! Every sentence the user reads, in English, German and French; a caller's own words are filled in as data.

pub mod calls;
pub mod features;
pub mod identity;
pub mod messages;
pub mod network;
pub mod pbx;
pub mod secure;
pub mod session;
pub mod settings;
pub mod transfer;
pub mod watch;
mod why;

pub use why::no_number;
pub(crate) use why::{lost, sound};

use crate::settings::Language;

/// One sentence in three languages. `{0}`, `{1}` … stand for what is filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Phrase {
    /// Its name, for the test that compares the languages.
    pub key: &'static str,
    /// English.
    pub en: &'static str,
    /// German.
    pub de: &'static str,
    /// French.
    pub fr: &'static str,
}

impl Phrase {
    /// The sentence in a language (`Auto` is English: the store resolves it before the core sees it), with what is
    /// filled in. One pass: braces in what is filled in mean nothing.
    pub fn say(&self, language: Language, filled: &[&str]) -> String {
        let pattern = match language {
            Language::De => self.de,
            Language::Fr => self.fr,
            Language::En | Language::Auto => self.en,
        };
        let mut out = String::with_capacity(pattern.len() + filled.iter().map(|f| f.len()).sum::<usize>());
        let mut rest = pattern;
        while let Some(open) = rest.find('{') {
            out.push_str(&rest[..open]);
            let after = &rest[open + 1..];
            let Some(close) = after.find('}') else { break };
            if let Some(word) = after[..close].parse::<usize>().ok().and_then(|n| filled.get(n)) {
                out.push_str(word);
            }
            rest = &after[close + 1..];
        }
        out.push_str(rest);
        out
    }
}

macro_rules! phrases {
    ($($name:ident: $en:literal, $de:literal, $fr:literal;)*) => {
        $(#[doc = $en] pub const $name: Phrase = Phrase { key: stringify!($name), en: $en, de: $de, fr: $fr };)*
        /// All of this file, in its order.
        pub const ALL: &[Phrase] = &[$($name),*];
    };
}

pub(crate) use phrases;

phrases! {
    // Buttons and menu entries.
    ANSWER: "Answer", "Annehmen", "Répondre";
    DECLINE: "Decline", "Ablehnen", "Refuser";
    OPEN_RECORD: "Open record", "Datensatz öffnen", "Ouvrir la fiche";
    CALL_BACK: "Call back", "Zurückrufen", "Rappeler";
    CANCEL: "Cancel", "Abbrechen", "Annuler";
    ANSWER_WHO: "Answer {0}", "Annehmen: {0}", "Répondre : {0}";
    DECLINE_WHO: "Decline {0}", "Ablehnen: {0}", "Refuser : {0}";
    HANG_UP_WHO: "Hang up {0}", "Auflegen: {0}", "Raccrocher : {0}";
    HOLD_WHO: "Hold {0}", "Halten: {0}", "Mettre en attente : {0}";
    RESUME_WHO: "Resume {0}", "Fortsetzen: {0}", "Reprendre : {0}";
    RECORD_WHO: "Open record of {0}", "Datensatz öffnen: {0}", "Ouvrir la fiche : {0}";
    MUTE: "Mute microphone", "Mikrofon stummschalten", "Couper le micro";
    UNMUTE: "Unmute microphone", "Mikrofon einschalten", "Rétablir le micro";
    SILENCE: "Stop ringing", "Klingeln abstellen", "Arrêter la sonnerie";
    STOP_TONE: "Stop the tone", "Ton abstellen", "Arrêter la tonalité";
    QUIT: "Quit Trayphone", "Trayphone beenden", "Quitter Trayphone";
    MORE_CALLS: "and {0} more", "und {0} weitere", "et {0} autres";
    MISSED_ONE: "1 missed call", "1 verpasster Anruf", "1 appel manqué";
    MISSED_MANY: "{0} missed calls", "{0} verpasste Anrufe", "{0} appels manqués";

    // The state, in tooltip and menu.
    STATE_READY: "Ready: {0}", "Bereit: {0}", "Prêt : {0}";
    STATE_CONNECTING: "Connecting: {0}", "Verbindung wird aufgebaut: {0}", "Connexion : {0}";
    STATE_RINGING: "{0} is calling", "{0} ruft an", "{0} appelle";
    STATE_RINGING_MANY: "{0} calls are ringing", "{0} eingehende Anrufe", "{0} appels entrants";
    STATE_TALKING: "In a call with {0}", "Im Gespräch mit {0}", "En communication avec {0}";
    STATE_HOLDING: "{0} is on hold", "{0} wird gehalten", "{0} est en attente";
    STATE_CALLING: "Calling {0}", "{0} wird angerufen", "Appel de {0}";
    STATE_CALLS: "{0} calls", "{0} Gespräche", "{0} appels";
    STATE_MUTED: "microphone muted", "Mikrofon stumm", "micro coupé";
    STATE_QUITTING: "Ending", "Wird beendet", "Fermeture";
    STATE_STARTING: "Starting", "Wird gestartet", "Démarrage";
    STATE_NO_ACCOUNT:
        "No account yet: run `trayphone account add`",
        "Noch kein Konto: `trayphone account add` richtet eines ein",
        "Pas encore de compte : exécutez `trayphone account add`";

    // Toasts.
    WITHHELD: "Number withheld", "Unterdrückte Nummer", "Numéro masqué";
    FOR_LINE: "for {0}", "für {0}", "pour {0}";
    LOOKING_UP: "looking up …", "wird gesucht …", "recherche …";
    MISSED_FROM: "Missed call: {0}", "Verpasster Anruf: {0}", "Appel manqué : {0}";
    MISSED_BUSY:
        "came while the line was busy",
        "kam, während besetzt war",
        "reçu pendant que la ligne était occupée";
    ELSEWHERE: "Answered on another phone", "An einem anderen Telefon angenommen", "Pris sur un autre téléphone";
    RINGING_MORE: "More calls are ringing", "Weitere Anrufe klingeln", "D’autres appels sonnent";
    CALL_BUSY: "The line is busy", "Der Anschluss ist besetzt", "La ligne est occupée";
    CALL_DECLINED: "The call was declined", "Der Anruf wurde abgelehnt", "L’appel a été refusé par la personne appelée";
    CALL_NO_ANSWER: "No answer", "Keine Antwort", "Pas de réponse";
    CALL_REFUSED: "The call was refused: {0} {1}", "Der Anruf wurde abgewiesen: {0} {1}", "L’appel a été refusé : {0} {1}";
    CALL_UNKNOWN_NUMBER:
        "The PBX does not know this number ({0} {1})",
        "Die Telefonanlage kennt diese Nummer nicht ({0} {1})",
        "Le central ne connaît pas ce numéro ({0} {1})";
    CALL_LOST: "The call was lost: {0}", "Die Verbindung ging verloren: {0}", "L’appel a été perdu : {0}";
    CALL_NO_MEDIA:
        "The call could not be heard: {0}",
        "Für den Anruf gibt es keinen Ton: {0}",
        "L’appel n’a pas de son : {0}";
    LOST_SILENT: "no answer came", "es kam keine Antwort", "aucune réponse n’est arrivée";
    LOST_UNACKNOWLEDGED:
        "the other side never confirmed that it was answered",
        "die Gegenseite hat die Annahme nie bestätigt",
        "l’autre partie n’a jamais confirmé la prise d’appel";
    LOST_UNUSABLE:
        "what the other side sent cannot be understood",
        "was die Gegenseite schickt, ist nicht zu verstehen",
        "ce que l’autre partie a envoyé est incompréhensible";
    LOST_NETWORK:
        "the PBX cannot be reached over the network",
        "die Telefonanlage ist über das Netz nicht zu erreichen",
        "le central est injoignable par le réseau";
    LOST_FORGOTTEN:
        "the PBX knows nothing of it any more",
        "die Telefonanlage weiß nichts mehr davon",
        "le central n’en sait plus rien";
    LOST_TARGET: "this address cannot be called", "diese Adresse kann man nicht anrufen", "cette adresse ne peut pas être appelée";
    LOST_NO_ACCOUNT: "its account is not set up", "sein Konto ist nicht eingerichtet", "son compte n’est pas configuré";
    LOST_TOO_MANY: "there are too many calls", "es sind zu viele Gespräche", "il y a trop d’appels";
    SOUND_UNREADABLE:
        "what the other side sent about its audio cannot be read",
        "was die Gegenseite über ihren Ton schickt, ist nicht zu lesen",
        "ce que l’autre partie a envoyé sur son audio est illisible";
    SOUND_NONE: "the other side offers no audio", "die Gegenseite bietet keinen Ton an", "l’autre partie ne propose pas d’audio";
    SOUND_DECLINED: "the other side declined the audio", "die Gegenseite hat den Ton abgelehnt", "l’autre partie a refusé l’audio";
    SOUND_NO_CODEC:
        "no audio format in common (the other side has {0})",
        "kein gemeinsames Tonformat (die Gegenseite hat {0})",
        "aucun format audio en commun (l’autre partie a {0})";
    SOUND_ENCRYPTED:
        "the other side asks for encrypted audio ({0}), which this version cannot do",
        "die Gegenseite verlangt verschlüsselten Ton ({0}), den diese Version nicht kann",
        "l’autre partie exige un audio chiffré ({0}), que cette version ne connaît pas";
    SOUND_ADDRESS:
        "the other side's audio address cannot be used",
        "die Tonadresse der Gegenseite ist nicht zu gebrauchen",
        "l’adresse audio de l’autre partie est inutilisable";
    SOUND_NO_OFFER:
        "the other side's answer belongs to no question of ours",
        "die Antwort der Gegenseite gehört zu keiner Anfrage von hier",
        "la réponse de l’autre partie ne correspond à aucune demande d’ici";
    SOUND_NO_SESSION:
        "the audio of this call is gone",
        "der Ton dieses Gesprächs ist nicht mehr da",
        "l’audio de cet appel n’existe plus";
    SOUND_NO_PORT:
        "this computer gives no address for the audio",
        "dieser Rechner gibt keine Adresse für den Ton her",
        "cet ordinateur ne fournit pas d’adresse pour l’audio";
    NO_DESCRIPTION:
        "the other side sent no description of its audio",
        "die Gegenseite hat ihren Ton nicht beschrieben",
        "l’autre partie n’a pas décrit son audio";
    AUDIO_SLOW:
        "the sound system did not answer in time",
        "das Tonsystem hat nicht rechtzeitig geantwortet",
        "le système audio n’a pas répondu à temps";
    NOTHING_HEARD:
        "Nothing has been heard for three seconds; network or firewall may block the audio",
        "Seit drei Sekunden ist nichts zu hören; Netz oder Firewall blockieren vielleicht den Ton",
        "On n’entend rien depuis trois secondes ; le réseau ou un pare-feu bloque peut-être l’audio";
    HOLD_FAILED:
        "{0} could not be put on hold ({1})",
        "Das Gespräch mit {0} konnte nicht gehalten werden ({1})",
        "L’appel avec {0} n’a pas pu être mis en attente ({1})";
    RESUME_FAILED:
        "{0} could not be resumed ({1})",
        "Das Gespräch mit {0} konnte nicht fortgesetzt werden ({1})",
        "L’appel avec {0} n’a pas pu être repris ({1})";
    NO_SOUND: "Calls run without sound", "Gespräche laufen ohne Ton", "Les appels sont sans son";
    DEVICE_MISSING: "A sound device is missing", "Ein Tongerät fehlt", "Un périphérique audio manque";
    DEVICE_INSTEAD:
        "{0} is not there; the system's own device is used. Plug it in, or choose another under [audio] in the settings",
        "{0} ist nicht da; stattdessen dient das Gerät des Systems. Schließen Sie es an, oder wählen Sie in den Einstellungen unter [audio] ein anderes",
        "{0} est absent ; le périphérique du système le remplace. Branchez-le ou choisissez-en un autre sous [audio] dans les réglages";
    NOT_CONNECTED: "Not connected to the PBX", "Nicht mit der Telefonanlage verbunden", "Pas de connexion au central";
    TROUBLE: "Trouble", "Störung", "Problème";
    PLUGIN_FAILED: "The plugin {0} failed", "Das Plugin {0} ist fehlgeschlagen", "Le module {0} a échoué";
    PLUGIN_TAMPERED:
        "Compiled code of the plugin {0} was changed",
        "Übersetzter Code des Plugins {0} wurde verändert",
        "Le code compilé du module {0} a été modifié";
    PLUGIN_COMPILED_ANEW:
        "Something other than Trayphone changed or damaged the file; it was deleted and not run, and the code was compiled anew",
        "Etwas anderes als Trayphone hat die Datei verändert oder beschädigt; sie wurde gelöscht und nicht ausgeführt, der Code neu übersetzt",
        "Autre chose que Trayphone a modifié ou endommagé le fichier ; il a été supprimé sans être exécuté, et le code compilé à nouveau";
    PLUGIN_NO_KEY:
        "Compiled plugins cannot be kept",
        "Übersetzte Plugins können nicht aufbewahrt werden",
        "Les modules compilés ne peuvent pas être conservés";
    PLUGIN_NO_KEY_WHY:
        "The keyring is missing or locked, and with it the key that seals them: they are compiled anew at every start, and the first callers are named later. Unlock the keyring or start one, then start Trayphone again",
        "Der Schlüsselbund fehlt oder ist gesperrt, und mit ihm der Schlüssel, der sie versiegelt: Sie werden bei jedem Start neu übersetzt, und die ersten Anrufer erhalten ihren Namen später. Entsperren Sie den Schlüsselbund, oder starten Sie einen, und starten Sie dann Trayphone neu",
        "Le trousseau est absent ou verrouillé, et avec lui la clé qui les scelle : ils sont compilés à chaque démarrage, et les premiers appelants sont nommés plus tard. Déverrouillez le trousseau ou démarrez-en un, puis relancez Trayphone";
    PAGE_FAILED: "The page could not be opened", "Die Seite ließ sich nicht öffnen", "La page n’a pas pu être ouverte";
    STORE_FAILED: "Something could not be kept", "Etwas konnte nicht gespeichert werden", "Quelque chose n’a pas pu être enregistré";
    DESKTOP_PART:
        "A part of the desktop does not work",
        "Ein Teil des Desktops funktioniert nicht",
        "Une partie du bureau ne fonctionne pas";
    PART_FAILED: "A part of Trayphone failed", "Ein Teil von Trayphone ist ausgefallen", "Une partie de Trayphone est en panne";
    FAULT:
        "a fault of Trayphone itself",
        "ein Fehler von Trayphone selbst",
        "une erreur de Trayphone lui-même";
    FAULT_SIP:
        "The connection to the PBX broke down and its calls are lost; it begins anew in {0} s",
        "Die Verbindung zur Telefonanlage ist ausgefallen, ihre Gespräche sind verloren; neuer Versuch in {0} s",
        "La liaison avec le central est tombée en panne et ses appels sont perdus ; nouvel essai dans {0} s";
    FAULT_MEDIA:
        "The sound broke down: calls go on without it, hang up and call again; new calls have it again in {0} s",
        "Der Ton ist ausgefallen: Gespräche laufen ohne ihn weiter, legen Sie auf und rufen Sie neu an; neue Gespräche haben in {0} s wieder Ton",
        "Le son est tombé en panne : les appels continuent sans lui, raccrochez et rappelez ; les nouveaux l’auront dans {0} s";
    FAULT_HOST:
        "The plugins broke down: callers are not looked up until they begin anew in {0} s",
        "Die Plugins sind ausgefallen: Anrufer werden nicht nachgeschlagen, bis sie in {0} s neu beginnen",
        "Les modules sont tombés en panne : les appelants ne sont pas recherchés avant leur relance dans {0} s";
    FAULT_STORE:
        "Journal and settings broke down: calls go on, what happens until the new start in {0} s may be missing there",
        "Journal und Einstellungen sind ausgefallen: Gespräche gehen weiter, bis zum Neustart in {0} s kann dort etwas fehlen",
        "Le journal et les réglages sont tombés en panne : les appels continuent, ce qui arrive avant la relance dans {0} s peut y manquer";
    FAULT_SHELL:
        "Tray, toasts and hotkeys broke down and begin anew in {0} s; calls go on",
        "Infobereich, Benachrichtigungen und Tastenkürzel sind ausgefallen und beginnen in {0} s neu; Gespräche gehen weiter",
        "L’icône, les notifications et les raccourcis sont tombés en panne, relance dans {0} s ; les appels continuent";
    FAULT_API:
        "The door for the command line broke down and opens again in {0} s; calls go on",
        "Der Zugang für die Kommandozeile ist ausgefallen und öffnet in {0} s wieder; Gespräche gehen weiter",
        "L’accès pour la ligne de commande est tombé en panne et rouvre dans {0} s ; les appels continuent";
    RUNNING: "Trayphone is running in the tray", "Trayphone läuft im Infobereich", "Trayphone est actif dans la zone de notification";

    // What happened, and why.
    TOLD: "{0}: {1}", "{0}: {1}", "{0} : {1}";

    // Registration.
    REG_WRONG_PASSWORD:
        "{0}: the PBX refused the password; run `trayphone account password {0}`, or wait: it is tried again within half an hour",
        "{0}: Die Telefonanlage weist das Passwort ab; `trayphone account password {0}` ändert es, sonst folgt binnen einer halben Stunde ein neuer Versuch",
        "{0} : le central refuse le mot de passe ; exécutez `trayphone account password {0}`, sinon un nouvel essai suit d’ici une demi-heure";
    REG_NO_PASSWORD:
        "{0}: there is no password yet; run `trayphone account password {0}`",
        "{0}: Es gibt noch kein Passwort; `trayphone account password {0}` legt es ab",
        "{0} : pas encore de mot de passe ; exécutez `trayphone account password {0}`";
    REG_NO_KEYRING:
        "{0}: this system has no keyring ({1}); start a secret service, or write password = \"env:NAME\" in the settings",
        "{0}: Dieses System hat keinen Schlüsselbund ({1}); starten Sie einen Schlüsselbunddienst (Secret Service), oder schreiben Sie password = \"env:NAME\" in die Einstellungen",
        "{0} : ce système n’a pas de trousseau ({1}) ; démarrez un service de trousseau (Secret Service) ou écrivez password = \"env:NAME\" dans les réglages";
    REG_NO_VARIABLE:
        "{0}: the environment variable {1} is not set; set it and start Trayphone again",
        "{0}: Die Umgebungsvariable {1} ist nicht gesetzt; setzen Sie sie, und starten Sie Trayphone neu",
        "{0} : la variable d’environnement {1} n’est pas définie ; définissez-la et relancez Trayphone";
    REG_VARIABLE_AT_START:
        "{0}: the password in the environment variable {1} is taken at the start only, so that no other program sees it; start Trayphone again",
        "{0}: Das Passwort in der Umgebungsvariablen {1} wird nur beim Start übernommen, damit kein anderes Programm es sieht; starten Sie Trayphone neu",
        "{0} : le mot de passe de la variable d’environnement {1} n’est repris qu’au démarrage, pour qu’aucun autre programme ne le voie ; relancez Trayphone";
    REG_KEYRING_FAILED:
        "{0}: the keyring gave no password ({1}); unlock it and run `trayphone account password {0}`",
        "{0}: Der Schlüsselbund gibt das Passwort nicht her ({1}); entsperren Sie ihn, und führen Sie `trayphone account password {0}` aus",
        "{0} : le trousseau n’a pas donné le mot de passe ({1}) ; déverrouillez-le et exécutez `trayphone account password {0}`";
    KEYRING_SILENT: "no answer came", "es kam keine Antwort", "aucune réponse n’est arrivée";
    REG_SILENT:
        "{0}: the PBX does not answer; trying again",
        "{0}: Die Telefonanlage antwortet nicht; neuer Versuch folgt",
        "{0} : le central ne répond pas ; nouvel essai à suivre";
    REG_NO_COMMON_WAY:
        "{0}: the PBX asks for a way of signing in that Trayphone does not know; it knows digest with MD5 and SHA-256",
        "{0}: Die Telefonanlage verlangt ein Anmeldeverfahren, das Trayphone nicht kennt; es kennt Digest mit MD5 und SHA-256",
        "{0} : le central demande un mode d’authentification que Trayphone ne connaît pas ; il connaît Digest avec MD5 et SHA-256";
    REG_UNREACHABLE:
        "{0}: the PBX cannot be reached ({1}); trying again",
        "{0}: Die Telefonanlage ist nicht erreichbar ({1}); neuer Versuch folgt",
        "{0} : le central est injoignable ({1}) ; nouvel essai à suivre";
    REG_FAULT:
        "{0}: the connection to the PBX broke down by a fault of Trayphone; it begins anew",
        "{0}: Die Verbindung zur Telefonanlage ist durch einen Fehler von Trayphone ausgefallen; sie beginnt neu",
        "{0} : la liaison avec le central est tombée en panne par une erreur de Trayphone ; elle recommence";
    REG_REFUSED:
        "{0}: the PBX refused the registration ({1} {2})",
        "{0}: Die Telefonanlage weist die Anmeldung ab ({1} {2})",
        "{0} : le central refuse l’enregistrement ({1} {2})";

    // Questions.
    ASK_WHICH: "Which number shall be called?", "Welche Nummer soll angerufen werden?", "Quel numéro appeler ?";
    ASK_EMERGENCY:
        "Call the emergency number {0}?",
        "Die Notrufnummer {0} anrufen?",
        "Appeler le numéro d’urgence {0} ?";
    ASK_PREMIUM:
        "{0} may be expensive. Call it?",
        "{0} kann teuer sein. Trotzdem anrufen?",
        "{0} peut coûter cher. Appeler quand même ?";
    ASK_CODE:
        "{0} is a code that may change settings of the PBX. Send it?",
        "{0} ist ein Code, der Einstellungen der Telefonanlage ändern kann. Senden?",
        "{0} est un code qui peut modifier des réglages du central. L’envoyer ?";
    ASK_UNSURE:
        "{0} does not look like a whole phone number. Call it?",
        "{0} sieht nicht nach einer vollständigen Telefonnummer aus. Trotzdem anrufen?",
        "{0} ne ressemble pas à un numéro complet. Appeler quand même ?";
    CALL_NUMBER: "Call {0}", "{0} anrufen", "Appeler {0}";
    EXTENSION_WAITS:
        "Extension {0} is not dialled by itself: send it when it is asked for",
        "Die Durchwahl {0} wird nicht von selbst gewählt: senden, wenn danach gefragt wird",
        "Le poste {0} n’est pas composé automatiquement : à envoyer quand il est demandé";
    SEND_KEYS: "Send {0}", "{0} senden", "Envoyer {0}";
    EXTENSION: "{0}, extension {1}", "{0}, Durchwahl {1}", "{0}, poste {1}";
    KIND_EMERGENCY: "{0} (emergency)", "{0} (Notruf)", "{0} (urgence)";
    KIND_PREMIUM: "{0} (may be expensive)", "{0} (kann teuer sein)", "{0} (peut coûter cher)";
    KIND_CODE: "{0} (code)", "{0} (Code)", "{0} (code du central)";

    // Refusals.
    NO_RINGING: "No call is ringing", "Es klingelt gerade kein Anruf", "Aucun appel ne sonne";
    NO_CALL: "There is no call", "Es gibt kein Gespräch", "Il n’y a pas d’appel";
    NOTHING_HELD: "No call is on hold", "Kein Gespräch wird gehalten", "Aucun appel n’est en attente";
    NOTHING_TALKS:
        "There is no answered call that is not on hold",
        "Es gibt kein angenommenes Gespräch, das nicht gehalten wird",
        "Il n’y a pas d’appel en cours qui ne soit en attente";
    CALL_GONE: "There is no call {0}, or it is over", "Anruf {0} gibt es nicht, oder er ist beendet", "L’appel {0} n’existe pas ou est terminé";
    CALL_NOT_RINGING: "Call {0} is not ringing any more", "Anruf {0} klingelt nicht mehr", "L’appel {0} ne sonne plus";
    CALL_NOT_UP: "Call {0} is not connected", "Anruf {0} ist nicht verbunden", "L’appel {0} n’est pas établi";
    CALL_IS_HELD:
        "{0} is on hold already",
        "Das Gespräch mit {0} wird schon gehalten",
        "L’appel avec {0} est déjà en attente";
    CALL_NOT_HELD:
        "{0} is not on hold",
        "Das Gespräch mit {0} wird nicht gehalten",
        "L’appel avec {0} n’est pas en attente";
    SEVERAL:
        "Several calls fit, name one: {0}",
        "Mehrere Anrufe kommen in Frage, nennen Sie einen: {0}",
        "Plusieurs appels conviennent, précisez lequel : {0}";
    NO_RECORD: "No record is known for this call", "Für diesen Anruf ist kein Datensatz bekannt", "Aucune fiche n’est connue pour cet appel";
    NOT_DIALLED: "Nothing was dialled", "Es wurde nichts gewählt", "Rien n’a été composé";
    THAT_CALL_GONE: "That call is over", "Dieser Anruf ist beendet", "Cet appel est terminé";
    SEVERAL_CALLS: "Which call?", "Welcher Anruf?", "Quel appel ?";
    CHOOSE_IN_MENU:
        "Several fit: choose one in the tray's menu",
        "Mehrere kommen in Frage: Wählen Sie im Menü des Symbols",
        "Plusieurs conviennent : choisissez dans le menu de l’icône";
    QUESTION_GONE: "That question is no longer open", "Diese Frage ist nicht mehr offen", "Cette question n’est plus ouverte";
    NO_SUCH_CHOICE:
        "There is no choice {0}: choose from 1 to {1}",
        "Die Auswahl {0} gibt es nicht: Wählen Sie 1 bis {1}",
        "Il n’y a pas de choix {0} : choisissez de 1 à {1}";
    NOT_REGISTERED:
        "No account is registered at its PBX; `trayphone status` says why",
        "Kein Konto ist an seiner Telefonanlage angemeldet; `trayphone status` sagt, warum",
        "Aucun compte n’est enregistré auprès de son central ; `trayphone status` dit pourquoi";
    ACCOUNT_NOT_REGISTERED:
        "{0} is not registered at its PBX; `trayphone status` says why",
        "{0} ist nicht an der Telefonanlage angemeldet; `trayphone status` sagt, warum",
        "{0} n’est pas enregistré auprès de son central ; `trayphone status` dit pourquoi";
    NO_SUCH_ACCOUNT:
        "There is no account {0}; `trayphone account list` shows those there are",
        "Ein Konto {0} gibt es nicht; `trayphone account list` zeigt die vorhandenen",
        "Il n’y a pas de compte {0} ; `trayphone account list` affiche ceux qui existent";
    TOO_MANY_CALLS:
        "There are {0} calls already, no more are allowed",
        "Es gibt schon {0} Gespräche, mehr sind nicht erlaubt",
        "Il y a déjà {0} appels, il n’en est pas permis davantage";
    QUITTING: "Trayphone is ending", "Trayphone wird beendet", "Trayphone se ferme";
    KEYS_UNKNOWN:
        "Only the keys 0-9, *, # and A-D can be sent, at most {0} at once",
        "Nur die Tasten 0-9, *, # und A-D können gesendet werden, höchstens {0} auf einmal",
        "Seules les touches 0-9, *, # et A-D peuvent être envoyées, {0} au plus à la fois";
    TEXT_EMPTY: "There is no number: nothing was given or selected", "Keine Nummer: Es wurde nichts angegeben oder markiert", "Pas de numéro : rien n’a été donné ni sélectionné";
    TEXT_LONG: "The text is too long to be a number", "Der Text ist zu lang für eine Nummer", "Le texte est trop long pour un numéro";
    TEXT_NO_NUMBER:
        "There is no phone number in “{0}”",
        "In „{0}“ steht keine Telefonnummer",
        "Il n’y a pas de numéro de téléphone dans « {0} »";
    TEXT_MAIL: "“{0}” is an e-mail address, not a phone number", "„{0}“ ist eine E-Mail-Adresse, keine Telefonnummer", "« {0} » est une adresse électronique, pas un numéro de téléphone";
    TEXT_DATE: "“{0}” is a date, not a phone number", "„{0}“ ist ein Datum, keine Telefonnummer", "« {0} » est une date, pas un numéro de téléphone";
    TEXT_IBAN: "“{0}” is a bank account, not a phone number", "„{0}“ ist eine Bankverbindung, keine Telefonnummer", "« {0} » est un compte bancaire, pas un numéro de téléphone";
    TEXT_LINK: "“{0}” is not a tel: or sip: link that can be called", "„{0}“ ist kein tel:- oder sip:-Link, den man anrufen kann", "« {0} » n’est pas un lien tel: ou sip: que l’on peut appeler";
    TEXT_TLS:
        "“{0}” asks for an encrypted way and does not say to which PBX, as sips:NUMBER@PBX does",
        "„{0}“ verlangt einen verschlüsselten Weg und sagt nicht, zu welcher Anlage, wie es sips:NUMMER@ANLAGE sagt",
        "« {0} » demande une voie chiffrée sans dire vers quel standard, comme le dit sips:NUMÉRO@STANDARD";

    // Settings.
    SET_RANGE:
        "must be from {0} to {1}, but is {2}",
        "muss zwischen {0} und {1} liegen, ist aber {2}",
        "doit être compris entre {0} et {1}, mais vaut {2}";
    SET_AOR:
        "“{0}” is not an address like sip:1001@pbx.example",
        "„{0}“ ist keine Adresse wie sip:1001@pbx.example",
        "« {0} » n’est pas une adresse comme sip:1001@pbx.example";
    SET_AOR_TWICE:
        "“{0}” is there twice; there is one account to an address",
        "„{0}“ kommt zweimal vor; zu jeder Adresse gehört ein Konto",
        "« {0} » y figure deux fois ; il y a un seul compte par adresse";
    SET_REGISTRAR:
        "“{0}” is not like sip:pbx.example:5060;transport=tcp (udp, tcp, tls, ws or wss)",
        "„{0}“ hat nicht die Form sip:pbx.example:5060;transport=tcp (udp, tcp, tls, ws oder wss)",
        "« {0} » n’est pas de la forme sip:pbx.example:5060;transport=tcp (udp, tcp, tls, ws ou wss)";
    SET_PORT:
        "“{0}” ends in {1}, which is no port: there are 1 to 65535",
        "„{0}“ endet auf {1}, was kein Port ist: Es gibt 1 bis 65535",
        "« {0} » se termine par {1}, qui n’est pas un port : il y en a de 1 à 65535";
    SET_USERNAME: "must not be empty or hold control characters", "darf nicht leer sein und keine Steuerzeichen enthalten", "ne doit être ni vide ni contenir de caractères de contrôle";
    SET_VARIABLE:
        "“{0}” is not the name of an environment variable (letters, digits, _)",
        "„{0}“ ist kein Name einer Umgebungsvariablen (Buchstaben, Ziffern, _)",
        "« {0} » n’est pas un nom de variable d’environnement (lettres, chiffres, _)";
    SET_EMPTY:
        "must not be empty; leave the line out for the default",
        "darf nicht leer sein; lassen Sie die Zeile weg, dann gilt die Vorgabe",
        "ne doit pas être vide ; supprimez la ligne pour reprendre la valeur par défaut";
    SET_WAV:
        "is needed for backend = \"wav\": input is the file that stands in for the microphone, output the file that what is heard is written to",
        "wird für backend = \"wav\" gebraucht: input ist die Datei anstelle des Mikrofons, output die Datei, in die das Gehörte geschrieben wird",
        "est nécessaire pour backend = \"wav\" : input est le fichier qui tient lieu de micro, output celui où s’écrit ce qui est entendu";
    SET_COUNTRY:
        "“{0}” is not a two-letter country code such as DE",
        "„{0}“ ist kein Ländercode aus zwei Buchstaben, zum Beispiel DE",
        "« {0} » n’est pas un code de pays à deux lettres comme DE";
    SET_AREA:
        "“{0}” is not an area code without its leading zero, such as 30",
        "„{0}“ ist keine Vorwahl ohne führende Null, zum Beispiel 30",
        "« {0} » n’est pas un indicatif sans zéro initial, comme 30";
    SET_PREFIX: "“{0}” is not a prefix of at most 4 of 0-9, * and #", "„{0}“ ist keine Amtsholung aus höchstens 4 Zeichen von 0-9, * und #", "« {0} » n’est pas un préfixe d’au plus 4 caractères parmi 0-9, * et #";
    SET_HOTKEY: "“{0}” is not a hotkey such as Ctrl+Alt+A", "„{0}“ ist kein Tastenkürzel wie Ctrl+Alt+A", "« {0} » n’est pas un raccourci comme Ctrl+Alt+A";
    SET_HOTKEY_TWICE: "“{0}” is used twice", "„{0}“ ist zweimal vergeben", "« {0} » est utilisé deux fois";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Words that are the same in two languages on purpose.
    /// The phrases of every file.
    fn every() -> Vec<Phrase> {
        [
            ALL,
            calls::ALL,
            features::ALL,
            identity::ALL,
            messages::ALL,
            network::ALL,
            pbx::ALL,
            secure::ALL,
            session::ALL,
            settings::ALL,
            transfer::ALL,
            watch::ALL,
        ]
        .concat()
    }

    const SAME: &[&str] = &["TOLD"];

    fn holes(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).filter_map(|part| part.split('}').next()).collect()
    }

    #[test]
    fn every_phrase_stands_in_all_three_languages() {
        let mut keys = BTreeSet::new();
        for phrase in every() {
            assert!(keys.insert(phrase.key), "{} is there twice", phrase.key);
            for text in [phrase.en, phrase.de, phrase.fr] {
                assert!(!text.trim().is_empty(), "{} is empty in a language", phrase.key);
                assert_eq!(text.trim(), text, "{}", phrase.key);
                assert_eq!(holes(text), holes(phrase.en), "{} fills in other things", phrase.key);
            }
            if !SAME.contains(&phrase.key) {
                assert_ne!(phrase.en, phrase.de, "{} was not translated", phrase.key);
                assert_ne!(phrase.en, phrase.fr, "{} was not translated", phrase.key);
                assert_ne!(phrase.de, phrase.fr, "{} was not translated", phrase.key);
            }
        }
        assert!(every().len() > 90);
    }

    /// What stands between back quotes or in straight quotes after `=` is typed as it is, and no sentence.
    fn prose(text: &str) -> String {
        let plain: String = text.split('`').step_by(2).collect::<Vec<_>>().join("…");
        let mut pieces = plain.split("= \"");
        let first = pieces.next().unwrap_or_default().to_owned();
        pieces.fold(first, |all, piece| all + piece.split_once('"').map_or("", |(_, rest)| rest))
    }

    #[test]
    fn each_language_is_set_as_its_readers_expect() {
        for phrase in every() {
            let (de, fr) = (prose(phrase.de), prose(phrase.fr));
            for mark in [" :", " ;", " ?", " !", " »", "« ", "'", "\"", "“", "„"] {
                assert!(!fr.contains(mark), "{}: {mark:?} in {fr:?}", phrase.key);
            }
            for (at, mark) in fr.match_indices([';', '?', '!', '»']) {
                // A parameter of an address is no punctuation.
                let address = fr[at..].starts_with(";transport=");
                assert!(
                    address || fr[..at].ends_with('\u{a0}'),
                    "{}: {mark:?} stands close in {fr:?}",
                    phrase.key
                );
            }
            for mark in ["\"", "'", "”", "«", "»", " :", " ;", " ?"] {
                assert!(!de.contains(mark), "{}: {mark:?} in {de:?}", phrase.key);
            }
            assert_eq!(de.matches('„').count(), de.matches('“').count(), "{}: {de:?}", phrase.key);
            for word in de.split(|c: char| !c.is_alphabetic()) {
                let english = ["the", "and", "call", "please", "keyring", "settings", "du", "dein"];
                assert!(!english.contains(&word.to_lowercase().as_str()), "{}: {word} in {de:?}", phrase.key);
            }
            for word in fr.split(|c: char| !c.is_alphabetic()) {
                let english = ["the", "and", "call", "please", "keyring", "settings", "tu", "ton", "votre"];
                assert!(!english.contains(&word.to_lowercase().as_str()), "{}: {word} in {fr:?}", phrase.key);
            }
        }
    }

    /// Whoever calls is not what is answered, hung up or declined; and a name may be "withheld number".
    #[test]
    fn a_person_is_no_object_of_a_key_on_the_phone() {
        for phrase in [ANSWER_WHO, DECLINE_WHO, HANG_UP_WHO, HOLD_WHO, RESUME_WHO] {
            for text in [phrase.de, phrase.fr] {
                assert!(text.ends_with(": {0}"), "{}: {text:?}", phrase.key);
            }
        }
    }

    #[test]
    fn what_is_filled_in_is_data() {
        assert_eq!(
            CALL_REFUSED.say(Language::En, &["404", "{0} {1} {"]),
            "The call was refused: 404 {0} {1} {"
        );
        assert_eq!(CALL_REFUSED.say(Language::De, &["404"]), "Der Anruf wurde abgewiesen: 404 ");
    }
}
