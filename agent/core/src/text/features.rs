//! What the user reads about the features beyond a plain call, in three languages.

use super::{Phrase, phrases};
use crate::{
    action::{Switch, SwitchKnown, SwitchStatus},
    settings::Language,
};

phrases! {
    NO_REDIAL:
        "Nothing was dialled yet, so there is nothing to dial again",
        "Es wurde noch nichts gewählt, also kann nichts wiederholt werden",
        "Rien n’a encore été composé : il n’y a rien à recomposer";
    FORWARD_WHERE:
        "Calls cannot be forwarded to {0}: name a number or an extension",
        "Anrufe können nicht an {0} weitergeleitet werden: eine Nummer oder Nebenstelle angeben",
        "Impossible de renvoyer les appels vers {0} : indiquer un numéro ou un poste";
    FORWARD_SELF:
        "Calls cannot be forwarded to the line they come for",
        "Anrufe können nicht an die eigene Nebenstelle weitergeleitet werden",
        "Impossible de renvoyer les appels vers leur propre poste";
    FORWARD_ADDRESS:
        "This PBX switches by a code, and a code has room for a number only: name a number, no address",
        "Diese Anlage schaltet über einen Code, in den nur eine Nummer passt: eine Nummer angeben, keine Adresse",
        "Ce central commute par un code, qui n’accepte qu’un numéro : indiquer un numéro et non une adresse";
    QUEUE_NAMED:
        "The code of this PBX needs the number of the queue: name it",
        "Der Code dieser Anlage braucht die Nummer der Warteschlange: bitte angeben",
        "Le code de ce central exige le numéro de la file : l’indiquer";
    QUEUE_UNNAMED:
        "The code of this PBX stands for its queue without a number: leave the number away",
        "Der Code dieser Anlage gilt ohne Nummer: die Nummer weglassen",
        "Le code de ce central vaut sans numéro : omettre le numéro";
    SWITCH_BUSY:
        "The PBX is just being told about that: try again in a moment",
        "Das wird der Anlage gerade mitgeteilt: gleich noch einmal versuchen",
        "C’est en cours de transmission au central : réessayer dans un instant";
    SWITCH_BLIND:
        "The code {0} switches over, and this PBX does not say how it is now: dial it by hand and listen",
        "Der Code {0} schaltet um, und diese Anlage sagt nicht, wie es gerade steht: von Hand wählen und zuhören",
        "Le code {0} bascule, et ce central n’indique pas l’état actuel : le composer à la main et écouter";
    CODE_REFUSED:
        "The PBX did not take the code {0}: {1}",
        "Die Anlage hat den Code {0} nicht angenommen: {1}",
        "Le central n’a pas accepté le code {0} : {1}";
    CODE_SILENT:
        "The PBX did not answer the code {0} in time; whether it took it is not known",
        "Die Anlage hat auf den Code {0} nicht rechtzeitig geantwortet; ob sie ihn angenommen hat, ist unbekannt",
        "Le central n’a pas répondu à temps au code {0} ; on ignore s’il l’a accepté";
    CODE_WITHOUT_EFFECT:
        "The PBX took the code {0}, and still says that nothing changed",
        "Die Anlage hat den Code {0} angenommen und meldet trotzdem keine Änderung",
        "Le central a accepté le code {0} et indique pourtant que rien n’a changé";
    // The state of one switch.
    DND_IS_ON: "Do not disturb is on", "„Nicht stören“ ist an", "« Ne pas déranger » est activé";
    DND_IS_OFF: "Do not disturb is off", "„Nicht stören“ ist aus", "« Ne pas déranger » est désactivé";
    ALWAYS_IS_ON: "All calls go to {0}", "Alle Anrufe gehen an {0}", "Tous les appels vont à {0}";
    ALWAYS_IS_SET: "All calls are forwarded", "Alle Anrufe werden weitergeleitet", "Tous les appels sont renvoyés";
    ALWAYS_IS_OFF:
        "Calls are not forwarded always", "Keine ständige Weiterleitung", "Pas de renvoi permanent";
    BUSY_IS_ON: "When busy, calls go to {0}", "Bei besetzt gehen Anrufe an {0}", "Si occupé, les appels vont à {0}";
    BUSY_IS_SET:
        "When busy, calls are forwarded", "Bei besetzt wird weitergeleitet", "Si occupé, les appels sont renvoyés";
    BUSY_IS_OFF:
        "When busy, calls are not forwarded", "Bei besetzt keine Weiterleitung", "Si occupé, pas de renvoi";
    NO_ANSWER_IS_ON:
        "Unanswered calls go to {0}", "Nicht angenommene Anrufe gehen an {0}", "Sans réponse, les appels vont à {0}";
    NO_ANSWER_IS_SET:
        "Unanswered calls are forwarded",
        "Nicht angenommene Anrufe werden weitergeleitet",
        "Sans réponse, les appels sont renvoyés";
    NO_ANSWER_IS_OFF:
        "Unanswered calls are not forwarded",
        "Nicht angenommene Anrufe werden nicht weitergeleitet",
        "Sans réponse, pas de renvoi";
    QUEUE_IS_ON: "Logged in to the queue {0}", "In der Warteschlange {0} angemeldet", "Connecté à la file {0}";
    QUEUE_IS_SET: "Logged in to the queue", "In der Warteschlange angemeldet", "Connecté à la file";
    QUEUE_IS_OFF: "Logged out of the queue", "Von der Warteschlange abgemeldet", "Déconnecté de la file";
    PAUSE_IS_ON: "Paused in the queue {0}", "Pause in der Warteschlange {0}", "En pause dans la file {0}";
    PAUSE_IS_SET: "Paused in the queue", "Pause in der Warteschlange", "En pause dans la file";
    PAUSE_IS_OFF: "The pause in the queue is over", "Die Pause in der Warteschlange ist zu Ende", "La pause est terminée";
    // Who says so.
    KNOWN_PBX: "The PBX says so", "Das meldet die Anlage", "C’est le central qui l’indique";
    KNOWN_SET:
        "The PBX took the code, and does not say what it has",
        "Die Anlage hat den Code angenommen und meldet den Zustand nicht",
        "Le central a accepté le code, sans indiquer son état";
    KNOWN_HERE:
        "Done by Trayphone, for the calls that reach it",
        "Das macht Trayphone, für Anrufe, die hier ankommen",
        "Trayphone s’en charge, pour les appels qui lui parviennent";
    KNOWN_NOT: "Nobody knows", "Das ist nicht bekannt", "On l’ignore";
    // Menu entries.
    DND_ON: "Do not disturb", "Nicht stören", "Ne pas déranger";
    DND_OFF: "End do not disturb", "„Nicht stören“ beenden", "Désactiver « Ne pas déranger »";
    FORWARD_OFF: "{0}: end that", "{0}: beenden", "{0} : mettre fin";
}

/// A switch in words.
pub fn state(language: Language, status: &SwitchStatus) -> String {
    let (to, set, off) = match status.switch {
        Switch::Dnd => (&DND_IS_ON, &DND_IS_ON, &DND_IS_OFF),
        Switch::ForwardAlways => (&ALWAYS_IS_ON, &ALWAYS_IS_SET, &ALWAYS_IS_OFF),
        Switch::ForwardBusy => (&BUSY_IS_ON, &BUSY_IS_SET, &BUSY_IS_OFF),
        Switch::ForwardNoAnswer => (&NO_ANSWER_IS_ON, &NO_ANSWER_IS_SET, &NO_ANSWER_IS_OFF),
        Switch::Queue => (&QUEUE_IS_ON, &QUEUE_IS_SET, &QUEUE_IS_OFF),
        Switch::QueuePause => (&PAUSE_IS_ON, &PAUSE_IS_SET, &PAUSE_IS_OFF),
    };
    match status.to.as_ref().or(status.queue.as_ref()) {
        _ if !status.on => off.say(language, &[]),
        Some(to_whom) => to.say(language, &[to_whom]),
        None => set.say(language, &[]),
    }
}

/// Who says so, in words.
pub fn known(language: Language, known: SwitchKnown) -> String {
    let phrase = match known {
        SwitchKnown::Unknown => &KNOWN_NOT,
        SwitchKnown::Pbx => &KNOWN_PBX,
        SwitchKnown::Set => &KNOWN_SET,
        SwitchKnown::Here => &KNOWN_HERE,
    };
    phrase.say(language, &[])
}
