//! Whoever looks something up finds it used.

/// Every item that the crate gives has an example, which the tests of the documentation run.
#[test]
fn every_public_item_has_an_example() {
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let read = |folder: &std::path::Path| {
        let files = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        files
            .filter(|path| path.extension().is_some_and(|e| e == "rs"))
            .map(|path| std::fs::read_to_string(path).unwrap())
    };
    let texts: Vec<String> = read(&source)
        .chain(read(&source.join("escalation")))
        .chain(read(&source.join("stranger")))
        .collect();
    let root = std::fs::read_to_string(source.join("lib.rs")).unwrap();
    // `pub use module::{A, B as C};`, possibly over several lines.
    let given = root
        .split("pub use ")
        .skip(1)
        .map(|used| used.split(';').next().unwrap());
    let names = given.flat_map(|used| {
        let list = used.split_once("::").unwrap().1.trim_matches(['{', '}']);
        list.split(',')
            .map(|name| name.split(" as ").next().unwrap().trim())
            .filter(|name| !name.is_empty())
            .collect::<Vec<_>>()
    });
    let mut without = Vec::new();
    let mut count = 0;
    for name in names.chain(["POLICY_BYTES_MAX", "ELEMENT_BYTES_MAX"]) {
        count += 1;
        let heads =
            ["fn", "struct", "enum", "type", "const"].map(|word| format!("\npub {word} {name}"));
        let ends = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let before = texts.iter().find_map(|text| {
            let found = heads.iter().find_map(|head| {
                text.match_indices(head.as_str())
                    .find(|(at, h)| ends(&text[at + h.len()..]))
            });
            found.map(|(at, _)| &text[..at])
        });
        let before = before.unwrap_or_else(|| panic!("{name} is defined nowhere"));
        let documented = before
            .lines()
            .rev()
            .skip_while(|line| !line.starts_with("///"));
        if !documented
            .take_while(|line| line.starts_with("///"))
            .any(|line| line.contains("```"))
        {
            without.push(name);
        }
    }
    assert!(count > 70, "only {count} items were seen");
    assert!(without.is_empty(), "no example: {without:?}");
}
