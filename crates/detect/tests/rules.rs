//! Our own rules: each loads, holds on its fixtures, and says what people need to know.

use bartizan_detect::{
    Evaluator, FirstSeenMemory, Fixture, Networks, RuleFile, RuleKind, Rules, ScanPlan, Scanner,
    builtin_files,
};

pub(crate) fn fixture(name: &str) -> Fixture {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../rules")
        .join(name)
        .with_extension("json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The rules as they stand in the checkout: what is built in is the same, once it is compiled.
fn files() -> Vec<RuleFile> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules");
    let mut files = Vec::new();
    for stage in ["blind", "gain", "maintain", "steal"] {
        for entry in std::fs::read_dir(folder.join(stage)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|e| e == "yml") {
                let name = format!("{stage}/{}", path.file_name().unwrap().to_str().unwrap());
                files.push(RuleFile {
                    name,
                    text: std::fs::read_to_string(&path).unwrap(),
                    builtin: true,
                });
            }
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}

#[test]
fn every_rule_holds_on_its_fixtures() {
    let files = files();
    assert!(files.len() >= 350, "{} rules", files.len());
    assert_eq!(builtin_files().len(), files.len());
    let mut failures = Vec::new();
    for file in &files {
        failures.extend(
            fixture(&file.name)
                .check(file)
                .into_iter()
                .map(|f| format!("{}: {f}", file.name)),
        );
    }
    assert!(
        failures.is_empty(),
        "{} failures\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[test]
fn every_rule_says_what_people_need() {
    let rules = Rules::load(&files());
    assert_eq!(rules.problems, []);
    for rule in rules
        .rules
        .iter()
        .filter(|r| !matches!(r.kind, RuleKind::Part))
    {
        assert!(
            !rule.why.is_empty()
                && !rule.advice.is_empty()
                && !rule.false_positives.is_empty()
                && !rule.attack.is_empty(),
            "{}",
            rule.file
        );
        assert_eq!(
            rule.stage.to_string(),
            rule.file.split('/').next().unwrap(),
            "{}: the stage is the folder",
            rule.file
        );
    }
}

/// Whether a request names a thing, by the names of its fields as AWS writes them. Settings of what
/// is made do not count.
fn names_something(request: &serde_json::Value, depth: usize) -> bool {
    const ENDS: [&str; 8] = [
        "Id",
        "Ids",
        "Name",
        "Names",
        "Arn",
        "Identifier",
        "Url",
        "eventDataStore",
    ];
    match request {
        serde_json::Value::Object(fields) => fields.iter().any(|(name, value)| {
            let setting =
                ["iamInstanceProfile", "attributeName", "externalId"].contains(&name.as_str());
            let is_name = ENDS.iter().any(|e| name.ends_with(e)) || name == "name" || name == "arn";
            !setting
                && (is_name && !value.is_object() || depth < 3 && names_something(value, depth + 1))
        }),
        serde_json::Value::Array(all) => all.iter().any(|one| names_something(one, depth + 1)),
        _ => false,
    }
}

/// Rules that count who calls what, and from where, over all events alike, and so never look at a
/// request.
const COUNT_CALLERS: &[&str] = &[
    "steal/secrets-in-many-regions.yml",
    "steal/models-in-many-regions.yml",
    "maintain/machine-set-up-by-hand.yml",
];

/// Resources named in a request are reported, whatever kind of rule finds them.
#[test]
fn every_finding_names_what_it_is_about() {
    let mut nameless = std::collections::BTreeSet::new();
    let mut named = 0;
    for file in files()
        .into_iter()
        .filter(|f| !COUNT_CALLERS.contains(&f.name.as_str()))
    {
        let fixture = fixture(&file.name);
        let rules = Rules::load(std::slice::from_ref(&file));
        let Some(rule) = rules
            .rules
            .iter()
            .rfind(|r| !matches!(r.kind, RuleKind::Part))
            .cloned()
        else {
            continue;
        };
        let plan = ScanPlan {
            rules,
            networks: Networks::builtin(),
            memory: FirstSeenMemory::default(),
            tally: false,
            calls: None,
        };
        for case in fixture.cases().into_iter().take(fixture.matches.len()) {
            let lines: Vec<String> = case.iter().map(ToString::to_string).collect();
            let (mut judge, mut scanner) = (Evaluator::new(&plan), Scanner::new(&plan));
            judge.take("fixture", scanner.scan(&mut lines.join("\n").as_bytes()));
            judge.take_rest(scanner.finish());
            let found = judge.finish(false, &|_| String::new()).findings;
            for finding in found.iter().filter(|f| f.rule == rule.id) {
                named += usize::from(!finding.resources.is_empty());
                for call in finding.calls.iter().filter(|c| c.resources.is_empty()) {
                    let name = call.call.rsplit(':').next().unwrap_or_default();
                    let says = |e: &&serde_json::Value| {
                        e["eventName"] == name && names_something(&e["requestParameters"], 0)
                    };
                    if let Some(event) = case.iter().find(says) {
                        nameless.insert(format!(
                            "{} {}: {}",
                            file.name, call.call, event["requestParameters"]
                        ));
                    }
                }
            }
        }
    }
    assert!(nameless.is_empty(), "{nameless:#?}");
    assert!(named > 300, "{named}");
}
