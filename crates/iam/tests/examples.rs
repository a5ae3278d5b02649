//! Whoever looks something up finds it used.

/// Texts of all source files of a folder and of the folders in it.
fn texts_below(folder: &std::path::Path) -> Vec<String> {
    let mut texts = Vec::new();
    for path in std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        if path.is_dir() {
            texts.extend(texts_below(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            texts.push(std::fs::read_to_string(path).unwrap());
        }
    }
    texts
}

/// Every item that the crate gives has an example, which the tests of the documentation run.
#[test]
fn every_public_item_has_an_example() {
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let texts = texts_below(&source);
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
    for name in names {
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
