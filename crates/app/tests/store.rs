//! The store on a disk: nothing can be changed unseen, a killed run leaves nothing half, a full
//! disk loses nothing.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::common::{Home, root, venv};

/// A dump of an account with `users` users; `n` makes each one differ.
fn dump(home: &Home, users: usize, n: usize) -> PathBuf {
    let folder = home.path("dump/123456789012/us-east-1");
    fs::create_dir_all(&folder).unwrap();
    let user = |i: usize| {
        let policy = json!({
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": format!("s3:Get{n}"), "Resource": "*"}],
        });
        json!({
            "UserName": format!("user{i}"),
            "UserId": format!("AIDA{i}"),
            "Arn": format!("arn:aws:iam::123456789012:user/user{i}"),
            "UserPolicyList": [{"PolicyName": "p", "PolicyDocument": policy}],
            "Path": format!("/{}/", if i == 0 { n } else { 0 }),
        })
    };
    let answer = json!({
        "UserDetailList": (0..users).map(user).collect::<Vec<_>>(),
        "GroupDetailList": [],
        "RoleDetailList": [],
        "Policies": [],
    });
    fs::write(
        folder.join("iam-get-account-authorization-details.json"),
        answer.to_string(),
    )
    .unwrap();
    home.path("dump")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut todo = vec![folder.to_owned()];
    while let Some(folder) = todo.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            } else if !path.file_name().unwrap().to_string_lossy().starts_with('.') {
                out.push(path);
            }
        }
    }
    out.sort();
    out
}

/// A guess at a value that may be secret shows in no store, and a changed value does; a store that
/// was written before its values were keyed is compared without an alarm.
#[test]
fn values_that_may_be_secret_are_hidden_with_a_key_that_is_not_in_the_store() {
    let home = Home::new();
    let folder = home.path("dump/123456789012/us-east-1");
    fs::create_dir_all(&folder).unwrap();
    let write = |value: &str| {
        let variables = json!({"STAGE": value});
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:f";
        let function = json!({
            "FunctionName": "f",
            "FunctionArn": arn,
            "Environment": {"Variables": variables},
        });
        fs::write(
            folder.join("lambda-list-functions.json"),
            json!({"Functions": [function]}).to_string(),
        )
        .unwrap();
    };
    write("prod");
    home.must(
        0,
        &[
            "snapshot",
            "--from",
            "dump",
            "--time",
            "2026-03-01T00:00:00Z",
        ],
    );
    home.must(
        0,
        &[
            "snapshot",
            "--from",
            "dump",
            "--time",
            "2026-03-02T00:00:00Z",
        ],
    );
    write("test");
    home.must(
        0,
        &[
            "snapshot",
            "--from",
            "dump",
            "--time",
            "2026-03-03T00:00:00Z",
        ],
    );
    assert_eq!(home.json(&["diff", "0", "1"])["changes"], json!([]));
    let changed = home.json(&["diff", "1", "2"]);
    let value = changed["changes"][0]["content"]["fields"][0].clone();
    assert!(
        value["before"]
            .as_str()
            .is_some_and(|v| v.starts_with("hmac-sha256:")),
        "{changed}"
    );
    // The folder is read with the key of the store that it is compared with.
    assert_eq!(home.json(&["diff", "2", "dump"])["changes"], json!([]));

    // A store with another key, as one of before keys were: the values are neither the same nor
    // different.
    let other = Home::new();
    copy(&home.path("dump"), &other.path("dump"));
    other.must(
        0,
        &[
            "snapshot",
            "--from",
            "dump",
            "--time",
            "2026-03-03T00:00:00Z",
        ],
    );
    let (mine, theirs) = (home.path("bartizan-store"), other.path("bartizan-store"));
    let facts = |store: &Path| {
        files(&store.join("snapshots"))
            .pop()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    };
    let difference = home.json(&["diff", &facts(&mine), &facts(&theirs)]);
    assert_eq!(
        (
            &difference["changes"],
            &difference["folded"]["not_comparable"]
        ),
        (&json!([]), &json!(1)),
        "{difference}"
    );
}

fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    for file in files(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(&file, &target).unwrap();
        fs::set_permissions(&target, fs::Permissions::from_mode(0o644)).unwrap();
    }
}

/// Problems that the second verifier finds.
fn python(venv: &Path, store: &Path) -> (bool, String) {
    let script = root().join("crates/app/tests/store/verify.py");
    let output = Command::new(venv.join("bin/python"))
        .arg(script)
        .arg(store)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(!text.contains("Traceback"), "{text}");
    (output.status.success(), text)
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        usize::try_from(self.0 >> 33).unwrap() % n.max(1)
    }
}

#[test]
fn each_of_a_thousand_edits_is_found_by_both_verifiers() {
    let Some(venv) = venv("BARTIZAN_VENV") else {
        return;
    };
    let home = Home::new();
    for n in 0..6 {
        dump(&home, 8, n);
        home.must(0, &["snapshot", "--from", "dump"]);
    }
    let clean = home.path("bartizan-store");
    home.must(0, &["verify", "evidence"]);
    assert_eq!(python(&venv, &clean), (true, String::new()));
    let all = files(&clean);
    let edited = home.path("edited");
    copy(&clean, &edited);
    let mut dice = Dice(7);
    let mut names: BTreeSet<String> = BTreeSet::new();
    // Our own verifier in this process, a thousand times; the program itself is what the line above
    // ran.
    for round in 0..1000 {
        let file = &all[dice.below(all.len())];
        let name = file.strip_prefix(&clean).unwrap();
        let bytes = fs::read(file).unwrap();
        let target = edited.join(name);
        let other = all[dice.below(all.len())].strip_prefix(&clean).unwrap();
        let what = match dice.below(4) {
            0 => {
                let mut new = bytes.clone();
                let at = dice.below(new.len());
                new[at] ^= 1 << dice.below(8);
                fs::write(&target, new).unwrap();
                format!("bit flipped at {at} of {}", name.display())
            }
            1 => {
                let length = dice.below(bytes.len());
                fs::write(&target, &bytes[..length]).unwrap();
                format!("{} cut to {length}", name.display())
            }
            2 => {
                fs::remove_file(&target).unwrap();
                format!("{} deleted", name.display())
            }
            _ if fs::read(clean.join(other)).unwrap() != bytes => {
                fs::write(&target, fs::read(clean.join(other)).unwrap()).unwrap();
                fs::write(edited.join(other), &bytes).unwrap();
                format!("{} and {} swapped", name.display(), other.display())
            }
            _ => {
                fs::write(&target, [bytes.as_slice(), b"x"].concat()).unwrap();
                format!("a byte added to {}", name.display())
            }
        };
        names.insert(what.split(' ').next_back().unwrap().to_owned());
        let ours = bartizan_evidence::verify(&Plain(edited.clone()), None, &[]).unwrap();
        assert!(
            !ours.problems.is_empty(),
            "round {round}: {what}: our verifier found nothing"
        );
        let (fine, text) = python(&venv, &edited);
        assert!(
            !fine,
            "round {round}: {what}: the second verifier found nothing\n{text}"
        );
        for name in [name, other] {
            fs::write(edited.join(name), fs::read(clean.join(name)).unwrap()).unwrap();
        }
    }
    let ours = bartizan_evidence::verify(&Plain(edited.clone()), None, &[]).unwrap();
    assert!(
        ours.problems.is_empty() && python(&venv, &edited).0,
        "mended, it verifies again"
    );
    println!("1000 edits of {} files, each found by both", all.len());
}

/// A folder to be read only.
struct Plain(PathBuf);

impl bartizan_evidence::Storage for Plain {
    fn create(&self, name: &str, _: &[u8]) -> Result<(), bartizan_evidence::StorageError> {
        Err(bartizan_evidence::StorageError::Exists(name.to_owned()))
    }
    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), bartizan_evidence::StorageError> {
        self.create(name, bytes)
    }
    fn read(&self, name: &str) -> Result<Vec<u8>, bartizan_evidence::StorageError> {
        fs::read(self.0.join(name))
            .map_err(|_| bartizan_evidence::StorageError::Missing(name.to_owned()))
    }
    fn list(&self) -> Result<Vec<String>, bartizan_evidence::StorageError> {
        Ok(files(&self.0)
            .iter()
            .map(|f| f.strip_prefix(&self.0).unwrap().display().to_string())
            .collect())
    }
    fn place(&self) -> String {
        self.0.display().to_string()
    }
}

#[test]
fn the_first_bad_byte_is_named() {
    let home = Home::new();
    dump(&home, 50, 1);
    home.must(0, &["snapshot", "--from", "dump"]);
    let store = home.path("bartizan-store");
    let facts = files(&store.join("snapshots"))[0].clone();
    let text = fs::read_to_string(&facts).unwrap();
    let at = text.find("\tuser31\t").unwrap();
    let line = text[..at].rfind('\n').unwrap() + 1;
    fs::set_permissions(&facts, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(&facts, text.replacen("\tuser31\t", "\tuser3l\t", 1)).unwrap();
    let said = home.must(1, &["verify", "evidence"]);
    assert!(
        said.starts_with("THE EVIDENCE IS NOT WHAT WAS SIGNED"),
        "{said}"
    );
    assert!(said.contains(&format!("byte {line}: ")), "{line}: {said}");
}

#[test]
fn two_hundred_kills_leave_a_store_that_verifies_and_works() {
    let home = Home::new();
    dump(&home, 400, 0);
    home.must(0, &["snapshot", "--from", "dump"]);
    // How long a run takes here, so that the kills fall into it.
    let start = std::time::Instant::now();
    dump(&home, 400, 1);
    home.must(0, &["snapshot", "--from", "dump"]);
    let whole = start.elapsed();
    let mut dice = Dice(11);
    let mut killed = 0;
    for n in 2..202 {
        dump(&home, 400, n);
        let mut child = home
            .command(&["snapshot", "--from", "dump"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(
            whole.mul_f64(0.3)
                + Duration::from_micros(
                    u64::try_from(dice.below(whole.as_micros() as usize)).unwrap(),
                )
                .mul_f64(0.8),
        );
        let _ = child.kill();
        killed += usize::from(!child.wait().unwrap().success());
        let report =
            bartizan_evidence::verify(&Plain(home.path("bartizan-store")), None, &[]).unwrap();
        assert_eq!(report.problems, [], "after kill {n}");
        if n % 20 == 0 {
            home.must(0, &["snapshot", "--from", "dump"]);
            home.must(0, &["verify", "evidence"]);
        }
    }
    home.must(0, &["snapshot", "--from", "dump"]);
    let said = home.must(0, &["verify", "evidence"]);
    println!(
        "200 runs, {killed} killed before their end; {}",
        said.lines().next().unwrap()
    );
    assert!(killed > 50, "only {killed} of 200 runs were killed");
}

#[test]
fn a_full_disk_says_so_and_loses_nothing() {
    let home = Home::new();
    let small = home.path("small");
    fs::create_dir(&small).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=384k", "tmpfs"])
        .arg(&small)
        .stderr(Stdio::null())
        .status();
    if !mounted.is_ok_and(|s| s.success()) {
        eprintln!("skipped: no right to mount a small file system here");
        return;
    }
    let store = ["--store", "small/store"];
    let mut full = None;
    for n in 0..60 {
        dump(&home, 100, n);
        let output = home.run(&[&["snapshot", "--from", "dump"], store.as_slice()].concat());
        if !output.status.success() {
            full = Some((n, String::from_utf8_lossy(&output.stderr).into_owned()));
            break;
        }
    }
    let verified = home.run(&[&["verify", "evidence"], store.as_slice()].concat());
    // Make room: the store goes on where it stood.
    let _ = Command::new("mount")
        .args(["-o", "remount,size=4m"])
        .arg(&small)
        .status();
    let next = home.run(&[&["snapshot", "--from", "dump"], store.as_slice()].concat());
    let after = home.run(&[&["verify", "evidence"], store.as_slice()].concat());
    let _ = Command::new("umount").arg(&small).status();
    let (runs, said) = full.expect("the disk never filled");
    assert!(
        said.contains("the disk is full") && said.contains("untouched"),
        "{said}"
    );
    assert!(
        runs > 2 && verified.status.success(),
        "{}",
        String::from_utf8_lossy(&verified.stdout)
    );
    assert!(
        next.status.success() && after.status.success(),
        "{}",
        String::from_utf8_lossy(&next.stderr)
    );
}

#[test]
fn one_writer_at_a_time_keys_apart_and_modes_tight() {
    let home = Home::new();
    dump(&home, 1, 1);
    home.must(0, &["snapshot", "--from", "dump"]);
    let keys = files(&home.path(".config/bartizan/keys"));
    assert_eq!(keys.len(), 1);
    assert_eq!(
        fs::metadata(&keys[0]).unwrap().permissions().mode() & 0o777,
        0o600
    );
    for file in files(&home.path("bartizan-store")) {
        assert!(
            !fs::read_to_string(&file).is_ok_and(|t| t.contains("PRIVATE+KEY")),
            "{}",
            file.display()
        );
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o222,
            0,
            "{}",
            file.display()
        );
    }
    // A key that is lost is asked for, and a wrong one refused; nothing is written either way.
    let before = files(&home.path("bartizan-store"));
    fs::rename(&keys[0], home.path("kept.key")).unwrap();
    assert!(
        home.fails(1, &["snapshot", "--from", "dump"])
            .contains("give it with --key")
    );
    home.must(
        0,
        &[
            "snapshot",
            "--from",
            "dump",
            "--store",
            "other",
            "--key",
            "other.key",
        ],
    );
    assert!(
        home.fails(1, &["snapshot", "--from", "dump", "--key", "other.key"])
            .contains("is signed by")
    );
    assert_eq!(files(&home.path("bartizan-store")), before);
    home.must(0, &["snapshot", "--from", "dump", "--key", "kept.key"]);
    // Another run has the lock.
    let lock = fs::File::create(home.path("bartizan-store/.lock")).unwrap();
    lock.lock().unwrap();
    assert!(
        home.fails(1, &["snapshot", "--from", "dump", "--key", "kept.key"])
            .contains("another bartizan")
    );
}

#[test]
fn a_log_that_was_rolled_back_is_found_and_not_continued() {
    let home = Home::new();
    dump(&home, 1, 1);
    home.must(0, &["snapshot", "--from", "dump"]);
    copy(&home.path("bartizan-store"), &home.path("yesterday"));
    dump(&home, 1, 2);
    home.must(0, &["snapshot", "--from", "dump"]);
    copy(&home.path("yesterday"), &home.path("rolled"));
    assert!(
        home.must(1, &["verify", "evidence", "--store", "rolled"])
            .contains("rolled back")
    );
    assert!(
        home.fails(1, &["snapshot", "--from", "dump", "--store", "rolled"])
            .contains("rolled back")
    );
    // A head kept elsewhere finds it too, on a machine that remembers nothing; a wrong file is not
    // taken for tampering.
    fs::copy(
        home.path("bartizan-store/checkpoint"),
        home.path("kept.head"),
    )
    .unwrap();
    fs::remove_dir_all(home.path(".local/state")).unwrap();
    home.must(0, &["verify", "evidence", "--store", "yesterday"]);
    fs::remove_dir_all(home.path(".local/state")).unwrap();
    assert!(
        home.must(
            1,
            &[
                "verify",
                "evidence",
                "--store",
                "yesterday",
                "--head",
                "kept.head"
            ]
        )
        .contains("rolled back")
    );
    fs::write(home.path("wrong.head"), "nonsense").unwrap();
    assert!(
        home.fails(1, &["verify", "evidence", "--head", "wrong.head"])
            .contains("wrong.head is no signed head")
    );
    let proof = home.must(0, &["verify", "fact", "iam:user", "user0"]);
    fs::write(home.path("proof.json"), &proof).unwrap();
    home.must(
        0,
        &[
            "verify",
            "proof",
            "proof.json",
            "--public-key",
            "bartizan-store/log.pub",
        ],
    );
    fs::write(
        home.path("forged.json"),
        proof.replace("iam:user\\t", "iam:role\\t"),
    )
    .unwrap();
    assert!(
        home.must(
            1,
            &[
                "verify",
                "proof",
                "forged.json",
                "--public-key",
                "bartizan-store/log.pub"
            ]
        )
        .contains("DOES NOT HOLD")
    );
}
