//! Scan results that are kept give what reading the objects gives, in any order.

use std::fs::File;
use std::path::{Path, PathBuf};

use bartizan_detect::attribution::CallMap;
use bartizan_detect::{
    ContextPool, Evaluator, FirstSeenMemory, Networks, Rules, ScanPlan, ScanResultError, Scanner,
    builtin_files, read_scan_result, scan_header, write_scan_result,
};

fn plan(secret: u8) -> ScanPlan {
    ScanPlan {
        rules: Rules::load(&builtin_files()),
        networks: Networks::builtin(),
        memory: FirstSeenMemory::new([secret; 16]),
        tally: true,
        calls: Some(CallMap::builtin()),
    }
}

/// Logs of the example, by name.
fn objects() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/heist/trail");
    let mut found = Vec::new();
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => found.push(path),
            }
        }
    }
    found.sort();
    found
}

fn results(plan: &ScanPlan, objects: &[PathBuf]) -> Vec<Vec<u8>> {
    let mut scanner = Scanner::new(plan).standing_alone();
    let scan = |path: &PathBuf| {
        let output = scanner.scan(&mut File::open(path).unwrap());
        write_scan_result(&output, &path.display().to_string(), Some("v1"), plan)
    };
    objects.iter().map(scan).collect()
}

/// Everything that a run finds, as text.
fn said(evaluator: Evaluator<'_>) -> String {
    let result = evaluator.finish(false, &|id| format!("show {id}"));
    let findings = serde_json::to_string(&result.findings).unwrap();
    let attribution = &result.attribution;
    let memory = result.memory.to_bytes();
    format!(
        "{findings}\n{:?}\n{:?}\n{:?}\n{:?}\n{memory:?}",
        result.totals, result.tally, attribution.mutations, attribution.presence
    )
}

fn evaluated(plan: &ScanPlan, results: &[Vec<u8>], order: impl Iterator<Item = usize>) -> String {
    let mut evaluator = Evaluator::new(plan);
    let mut pool = ContextPool::default();
    for at in order {
        let (header, output) = read_scan_result(&results[at], plan, &mut pool).unwrap();
        evaluator.take(&header.object, output);
    }
    said(evaluator)
}

#[test]
fn kept_results_find_what_reading_finds() {
    let (plan, objects) = (plan(7), objects());
    let mut direct = Evaluator::new(&plan);
    let mut scanner = Scanner::new(&plan);
    for path in &objects {
        let output = scanner.scan(&mut File::open(path).unwrap());
        direct.take(&path.display().to_string(), output);
    }
    direct.take_rest(scanner.finish());
    let direct = said(direct);
    assert!(
        direct.contains("StopLogging"),
        "the example has its intruder"
    );
    let results = results(&plan, &objects);
    let count = results.len();
    assert_eq!(evaluated(&plan, &results, 0..count), direct);
    assert_eq!(evaluated(&plan, &results, (0..count).rev()), direct);
    let interleaved = (0..count).step_by(2).chain((1..count).step_by(2));
    assert_eq!(evaluated(&plan, &results, interleaved), direct);
}

#[test]
fn so_far_is_what_a_run_up_to_there_says() {
    let (plan, objects) = (plan(7), objects());
    let results = results(&plan, &objects);
    let mut pool = ContextPool::default();
    let mut live = Evaluator::new(&plan);
    for (n, bytes) in results.iter().enumerate() {
        let (header, output) = read_scan_result(bytes, &plan, &mut pool).unwrap();
        live.take(&header.object, output);
        if n % 29 != 0 && n + 1 != results.len() {
            continue;
        }
        let so_far = live.so_far(&|id| format!("show {id}"));
        let mut once = Evaluator::new(&plan);
        for bytes in &results[..=n] {
            let (header, output) = read_scan_result(bytes, &plan, &mut pool).unwrap();
            once.take(&header.object, output);
        }
        let once = once.finish(false, &|id| format!("show {id}"));
        assert_eq!(so_far.findings, once.findings, "after {n}");
        assert_eq!(so_far.totals, once.totals, "after {n}");
        assert_eq!(
            so_far.attribution.mutations.len(),
            once.attribution.mutations.len()
        );
        live.resume(so_far);
    }
}

#[test]
fn the_same_object_gives_the_same_bytes() {
    let objects = objects();
    let twice = [plan(7), plan(7)].map(|plan| results(&plan, &objects));
    assert_eq!(twice[0], twice[1]);
    let plan = plan(7);
    for bytes in &twice[0] {
        let read = read_scan_result(bytes, &plan, &mut ContextPool::default());
        let (header, output) = read.unwrap();
        let again = write_scan_result(&output, &header.object, header.version.as_deref(), &plan);
        assert_eq!(again, *bytes);
    }
    let header = scan_header(&twice[0][0]).unwrap();
    assert_eq!(header.object, objects[0].display().to_string());
    assert!(header.events > 0 && header.times.is_some());
}

#[test]
fn other_plans_versions_and_damage_are_refused() {
    let (plan, objects) = (plan(7), objects());
    let bytes = results(&plan, &objects[..1]).remove(0);
    let read = |bytes: &[u8]| {
        let read = read_scan_result(bytes, &plan, &mut ContextPool::default());
        read.err()
    };
    assert_eq!(read(&bytes), None);
    let other = self::plan(8);
    let refused = read_scan_result(&bytes, &other, &mut ContextPool::default()).err();
    assert_eq!(refused, Some(ScanResultError::OtherPlan));
    let mut newer = bytes.clone();
    newer[14] = b'2';
    assert_eq!(read(&newer), Some(ScanResultError::Version("2".to_owned())));
    assert_eq!(read(b"{}"), Some(ScanResultError::Foreign));
    for length in 0..bytes.len() {
        assert!(read(&bytes[..length]).is_some(), "cut to {length}");
    }
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x10;
        assert!(read(&flipped).is_some(), "byte {at}");
    }
}
