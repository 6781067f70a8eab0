//! `trayphone profiles`: the kinds of PBX that are known, and the codes of one.

use super::print;
use crate::{
    cli::Common,
    exit::{Exit, Failure},
    home,
};
use agent_core::pbx::{BUILT_IN, Code, PbxProfile};
use agent_store::pbx_profile;
use serde_json::json;

/// All of them, or one by its name or its file.
pub(crate) fn profiles(common: &Common, name: Option<&str>) -> Result<Exit, Failure> {
    match name {
        Some(name) => show(common, &pbx_profile(name).map_err(home::failure)?),
        None => {
            for (name, _) in BUILT_IN {
                let profile = pbx_profile(name).map_err(home::failure)?;
                let more = if common.json {
                    print::json(&json!({ "profile": name, "name": profile.name, "agents": profile.agents }))
                } else {
                    print::line(&line(name, &profile))
                };
                if !more {
                    break;
                }
            }
        }
    }
    Ok(Exit::Ok)
}

fn line(name: &str, profile: &PbxProfile) -> String {
    let (all, verified) = profile
        .codes
        .all()
        .fold((0, 0), |(all, verified), (_, code)| (all + 1, verified + usize::from(code.verified)));
    let found = if profile.agents.is_empty() { "; not found by \"auto\"" } else { "" };
    format!("{name}: {}, {all} codes, {verified} of them verified{found}", profile.name)
}

fn show(common: &Common, profile: &PbxProfile) {
    if common.json {
        print::json(profile);
        return;
    }
    let mut lines = vec![print::tame(&profile.name)];
    if !profile.agents.is_empty() {
        lines.push(print::tame(&format!("calls itself {}", profile.agents.join(", "))));
    }
    lines.extend(profile.codes.all().map(|(key, code)| print::tame(&format!("{key}: {}", words(code)))));
    let quirks = &profile.quirks;
    let rate = quirks.subscribes_per_second.map(|rate| format!("at most {rate} subscriptions a second"));
    let events =
        (quirks.feature_events == Some(true)).then(|| "tells its features by as-feature-event".to_owned());
    let keys = quirks.dtmf.map(|keys| format!("keys are sent by {keys:?}"));
    let identity = quirks.identity.as_ref().map(|order| format!("who calls is told by {order:?}"));
    let reliable =
        (quirks.reliable_ringing == Some(true)).then(|| "has ringing acknowledged (100rel)".to_owned());
    lines.extend([rate, events, keys, identity, reliable].into_iter().flatten());
    let _all = lines.iter().all(|line| print::line(line));
}

fn words(code: &Code) -> String {
    let toggle = if code.toggle { ", switches over" } else { "" };
    match &code.source {
        Some(source) if code.verified => format!("{}{toggle} ({source})", code.code),
        _ => format!("{}{toggle} (not verified)", code.code),
    }
}
