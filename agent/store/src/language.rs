//! Which language "auto" means on this system.

use crate::platform;
use agent_core::settings::Language;

/// The system's language if we speak it, else English; never `Auto`.
pub fn system_language() -> Language {
    from_locale(&platform::locale())
}

/// From a locale's name: `de_CH.UTF-8`, `fr-CA`, `C`.
fn from_locale(locale: &str) -> Language {
    let language = locale.split(['_', '-', '.', '@']).next().unwrap_or_default();
    match language.to_ascii_lowercase().as_str() {
        "de" => Language::De,
        "fr" => Language::Fr,
        _ => Language::En,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales_become_languages() {
        for (locale, language) in [
            ("de_DE.UTF-8", Language::De),
            ("de", Language::De),
            ("DE-at", Language::De),
            ("fr_CA@euro", Language::Fr),
            ("en_GB", Language::En),
            ("C.UTF-8", Language::En),
            ("POSIX", Language::En),
            ("", Language::En),
            ("deu", Language::En),
            ("it_IT", Language::En),
        ] {
            assert_eq!(from_locale(locale), language, "{locale}");
        }
    }
}
