//! Commands that read what is kept (no agent has to run), and have a running one read it anew.

use super::print;
use crate::{
    api::client::{TakenOver, reload_settings},
    cli::Common,
    exit::{Exit, Failure},
    home,
};
use agent_media::DeviceInfo;
use agent_store::{JournalQuery, JournalReader, LedgerQuery, StoreError};
use serde::Serialize;
use serde_json::json;

/// `trayphone journal`.
pub(crate) fn journal(common: &Common, limit: u32) -> Result<Exit, Failure> {
    let query = JournalQuery { limit, ..JournalQuery::default() };
    let entries = reader(common)?.calls(&query).map_err(home::failure)?;
    list(common, &entries, "no calls yet", print::journal);
    Ok(Exit::Ok)
}

/// `trayphone ledger`.
pub(crate) fn ledger(common: &Common, limit: u32) -> Result<Exit, Failure> {
    let query = LedgerQuery { limit, ..LedgerQuery::default() };
    let rows = reader(common)?.ledger(&query).map_err(home::failure)?;
    list(common, &rows, "nothing has left this computer yet", print::ledger);
    Ok(Exit::Ok)
}

fn reader(common: &Common) -> Result<JournalReader, Failure> {
    JournalReader::open(&home::existing(common)?).map_err(home::failure)
}

fn list<T: Serialize>(common: &Common, rows: &[T], none: &str, words: fn(&T) -> String) {
    if common.json {
        rows.iter().all(print::json);
        return;
    }
    if rows.is_empty() {
        print::line(none);
    }
    for row in rows {
        if !print::line(&words(row)) {
            return;
        }
    }
}

/// `trayphone settings`.
pub(crate) fn settings(common: &Common, defaults: bool) -> Result<Exit, Failure> {
    if defaults && common.json {
        let text = "the defaults are a settings file with its comments and no JSON: leave --json out (`trayphone --json settings` \
                    says what is set, with the defaults where nothing is)";
        return Err(Failure::new(Exit::Usage, text));
    }
    if defaults {
        print::line(agent_store::DEFAULT_FILE.trim_end());
        return Ok(Exit::Ok);
    }
    let profile = home::existing(common)?;
    let settings = agent_store::read_settings(&profile).map_err(|error: StoreError| home::failure(error))?;
    agent_store::check_profiles(&settings).map_err(home::failure)?;
    if common.json {
        print::json(&settings);
    } else {
        let accounts = match settings.accounts.len() {
            1 => "1 account".to_owned(),
            many => format!("{many} accounts"),
        };
        print::line(&format!(
            "{}: in order, {accounts}; a running agent takes it over with `trayphone settings --apply`",
            profile.settings_file().display()
        ));
    }
    Ok(Exit::Ok)
}

/// `trayphone settings --apply`: the file is checked here, where its mistakes can be read, and taken over there.
pub(crate) async fn apply(common: &Common) -> Result<Exit, Failure> {
    let profile = home::existing(common)?;
    let settings = agent_store::read_settings(&profile).map_err(home::failure)?;
    agent_store::check_profiles(&settings).map_err(home::failure)?;
    match reload_settings(common).await {
        TakenOver::Except(restart) => {
            if common.json {
                print::json(&json!({ "restart": restart }));
            } else if restart.is_empty() {
                print::line("the running agent has taken the settings over");
            } else {
                print::line(&print::tame(&print::only_restarted(&restart)));
            }
            Ok(Exit::Ok)
        }
        TakenOver::NoAgent(failure) => {
            let text = format!("the settings are in order, and {}: it reads them then", failure.text);
            Err(Failure::new(Exit::NoAgent, text))
        }
        TakenOver::No(why) => {
            let text = format!("the running agent goes on with the settings it had: {why}");
            Err(Failure::new(Exit::Settings, text))
        }
    }
}

/// `trayphone devices`.
pub(crate) fn devices(common: &Common) -> Result<Exit, Failure> {
    let devices = agent_media::devices().map_err(|text| Failure::new(Exit::Failed, text))?;
    if common.json {
        devices.iter().all(|it| {
            print::json(&json!({
                "id": it.id, "name": it.name, "input": it.input, "output": it.output, "default": it.default
            }))
        });
    } else if devices.is_empty() {
        print::line("no sound devices");
    } else {
        devices.iter().map(device_line).all(|line| print::line(&line));
    }
    Ok(Exit::Ok)
}

fn device_line(device: &DeviceInfo) -> String {
    let direction = match (device.input, device.output) {
        (true, true) => "microphone and ear",
        (true, false) => "microphone",
        _ => "ear",
    };
    let default = if device.default { ", the system's choice" } else { "" };
    print::tame(&format!("{} ({}): {direction}{default}", device.name, device.id))
}
