//! Findings of other systems join the incident that they belong to, and nothing else.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::common::{Home, root};
use crate::watch::{copy, home_with};

fn with_samples(folders: &[&str]) -> Home {
    let home = home_with("heist");
    let samples = root().join("crates/sensors/tests/samples");
    for folder in folders {
        let to = home.path("in/sensors").join(folder);
        copy(&samples.join(folder), &to, &mut |name| {
            vec![name.to_owned()]
        });
    }
    let file = home.path("in/bartizan.toml");
    let text = fs::read_to_string(&file).unwrap();
    let sensor = "\n[[sensor]]\nfrom = [\"sensors\"]\naccount = \"111122223333\"\n";
    fs::write(&file, text + if folders.is_empty() { "" } else { sensor }).unwrap();
    home
}

fn watched(home: &Home) -> Value {
    home.json(&["watch", "--once", "in"])
}

/// Ids of findings whose rule is of another system.
fn of_sensors(watched: &Value) -> Vec<(String, String)> {
    let findings = watched["findings"].as_array().unwrap().iter();
    let pair = |f: &Value| {
        let text = |name: &str| f[name].as_str().unwrap().to_owned();
        (text("rule"), text("id"))
    };
    findings
        .map(pair)
        .filter(|(rule, _)| rule.starts_with("sensor-"))
        .collect()
}

#[test]
fn other_systems_join_the_incident_and_nothing_else() {
    let before = watched(&with_samples(&[]));
    let home = with_samples(&["joins", "apart"]);
    let after = watched(&home);
    let heist = |w: &Value| {
        let all = w["incidents"].as_array().unwrap().clone();
        let found = all
            .iter()
            .find(|i| i["stages"].as_array().unwrap().len() > 2);
        found.unwrap().clone()
    };
    let (was, is) = (heist(&before), heist(&after));
    // The same incident, with its time, severity and id: others only add.
    for field in [
        "id",
        "severity",
        "first_time",
        "last_time",
        "headline",
        "actors",
        "stages",
    ] {
        assert_eq!(was[field], is[field], "{field}");
    }
    let ids = |i: &Value| -> BTreeSet<String> {
        let list = i["findings"].as_array().unwrap().iter();
        list.map(|f| f.as_str().unwrap().to_owned()).collect()
    };
    let all = of_sensors(&after);
    let named = |ids: &BTreeSet<String>| -> BTreeSet<String> {
        let inside = all.iter().filter(|(_, id)| ids.contains(id));
        inside.map(|(rule, _)| rule.clone()).collect()
    };
    let joined: BTreeSet<String> = ids(&is).difference(&ids(&was)).cloned().collect();
    let expected = [
        "sensor-guardduty-CryptoCurrency:EC2/BitcoinTool.B-DNS",
        "sensor-guardduty-UnauthorizedAccess:IAMUser/MaliciousIPCaller.Custom",
        "sensor-securityhub-Effects/Resource-Consumption/UnusualFleet",
        "sensor-securityhub-TTPs/Credential-Access/SecretsRead",
        "sensor-suricata-1:2024364",
        "sensor-zeek-SSH::Password_Guessing",
    ];
    let expected: BTreeSet<String> = expected.iter().map(|s| (*s).to_owned()).collect();
    assert_eq!(named(&joined), expected);
    assert_eq!(joined.len(), expected.len());
    // The others are findings; the one that is high by itself is an incident of its own, as high as
    // it is.
    assert_eq!(all.len(), 11);
    let own: Vec<&Value> = after["incidents"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|i| i["id"] != is["id"])
        .collect();
    let count = before["incidents"].as_array().unwrap().len();
    assert_eq!(own.len(), count, "{own:#?}");
    let lone = own
        .iter()
        .find(|i| !named(&ids(i)).is_empty())
        .expect("an incident of the lone finding");
    assert_eq!(lone["severity"], "high");
    assert_eq!(
        named(&ids(lone)),
        BTreeSet::from(["sensor-guardduty-Backdoor:EC2/C-CActivity.B".to_owned()])
    );
    // What is no finding is said, and hostile text is made harmless.
    let holes = after["coverage"]["holes"].to_string();
    assert!(holes.contains("another number of cells"), "{holes}");
    let report = home.path("report.html");
    home.must(0, &["report", "-o", report.to_str().unwrap()]);
    let html = fs::read_to_string(report).unwrap();
    assert!(!html.contains("<script>alert(1)") && !html.contains("<b>example</b>"));
    // Nothing new: the second run does nothing.
    assert_eq!(watched(&home)["new"], false);
    let eve = home.path("in/sensors/joins/eve.json");
    let text = fs::read_to_string(&eve).unwrap();
    fs::write(&eve, text.replace("2024364", "2024365")).unwrap();
    let again = watched(&home);
    assert_eq!(again["new"], true);
    let rules: BTreeSet<String> = of_sensors(&again)
        .into_iter()
        .map(|(rule, _)| rule)
        .collect();
    assert!(rules.contains("sensor-suricata-1:2024365"), "{rules:?}");
    assert!(!rules.contains("sensor-suricata-1:2024364"));
}
