//! The report in a real browser: it draws, it needs no network and no script, and nothing in it
//! runs that is not ours.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::common::{Home, root};
use crate::watch::copy;

/// Debian's Chromium, or one line that says that it is absent.
pub(crate) fn chromium() -> Option<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&paths)
        .map(|p| p.join("chromium"))
        .find(|p| p.is_file());
    if found.is_none() {
        eprintln!("skipped: chromium is not installed; cargo xtask test installs it");
    }
    found
}

/// Runs the browser on a page. Gives what it printed, and what the page said on its console.
fn browse(chromium: &Path, home: &Home, page: &str, args: &[&str]) -> (String, Vec<String>) {
    let profile = home.path("profile");
    let output = Command::new(chromium)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--enable-logging=stderr",
            "--v=0",
        ])
        .arg(format!("--user-data-dir={}", profile.display()))
        .args(args)
        .arg(format!("file://{}/{page}", home.dir.path().display()))
        .env("HOME", home.dir.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr)
        .lines()
        .filter(|l| l.contains("CONSOLE"))
        .map(str::to_owned)
        .collect();
    (String::from_utf8_lossy(&output.stdout).into_owned(), said)
}

fn report_of(home: &Home) -> String {
    home.must(0, &["watch", "--once", "in"]);
    home.must(0, &["report", "-o", "report.html"]);
    fs::read_to_string(home.path("report.html")).unwrap()
}

#[test]
fn it_is_drawn_on_paper_and_phone_in_light_and_dark() {
    let home = Home::new();
    copy(
        &root().join("examples/heist"),
        &home.path("in"),
        &mut |name| vec![name.to_owned()],
    );
    let text = report_of(&home);
    // One file: it names no other place, and its policy lets nothing in.
    for outside in ["http://", "https://", "src=", "@import", "url(http"] {
        assert!(!text.contains(outside), "{outside}");
    }
    let policy = text
        .split("Content-Security-Policy\" content=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .replace("&#39;", "'");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"),
        "{policy}"
    );
    for part in [
        "INTRUDER",
        "how bad",
        "since",
        "who",
        "To do first",
        "<svg",
        "hatch",
        "Access that was gained",
        "How to verify",
    ] {
        assert!(text.contains(part), "{part}");
    }
    // The same input gives the same page, whoever asks.
    home.must(0, &["report", "-o", "again.html"]);
    assert_eq!(text, fs::read_to_string(home.path("again.html")).unwrap());

    let Some(chromium) = chromium() else { return };
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report");
    fs::create_dir_all(&kept).unwrap();
    for (name, size, dark) in [
        ("light", (1200, 2600), false),
        ("dark", (1200, 2600), true),
        ("phone", (390, 2600), false),
    ] {
        let shot = kept.join(format!("{name}.png"));
        let (width, height) = size;
        let args = [
            format!("--window-size={width},{height}"),
            format!("--screenshot={}", shot.display()),
            format!("--blink-settings=preferredColorScheme={}", u8::from(!dark)),
        ];
        let (_, said) = browse(
            &chromium,
            &home,
            "report.html",
            &args.iter().map(String::as_str).collect::<Vec<_>>(),
        );
        assert_eq!(said, Vec::<String>::new(), "{name}");
        let png = fs::read(&shot).unwrap();
        let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
        assert_eq!((number(16), number(20)), (width, height), "{name}");
        // A page that is empty packs to next to nothing.
        assert!(png.len() > 50_000, "{name}: {} bytes", png.len());
    }
    let pdf = kept.join("paper.pdf");
    browse(
        &chromium,
        &home,
        "report.html",
        &[&format!("--print-to-pdf={}", pdf.display())],
    );
    assert!(fs::metadata(&pdf).unwrap().len() > 20_000);
    println!("pictures are in {}", kept.display());
}

#[test]
fn it_works_without_script_and_filters_with_it() {
    let home = Home::new();
    copy(
        &root().join("examples/heist"),
        &home.path("in"),
        &mut |name| vec![name.to_owned()],
    );
    let text = report_of(&home);
    let Some(chromium) = chromium() else { return };
    let rows = text.matches("<tr data-severity").count();
    let hidden = |dom: &str| {
        dom.split("<tr data-severity")
            .skip(1)
            .filter(|row| row.split('>').next().unwrap().contains("hidden"))
            .count()
    };
    // Chromium prints a page by a script of its own, so script is switched off by the page's
    // policy.
    let hash = text
        .split("script-src ")
        .nth(1)
        .unwrap()
        .split(';')
        .next()
        .unwrap();
    fs::write(
        home.path("plain.html"),
        text.replace(hash, "&#39;none&#39;"),
    )
    .unwrap();
    let (plain, _) = browse(&chromium, &home, "plain.html", &["--dump-dom"]);
    assert_eq!(
        (plain.matches("<tr data-severity").count(), hidden(&plain)),
        (rows, 0)
    );
    assert!(plain.contains("<div id=\"filters\" hidden=\"\"></div>"));
    let (all, said) = browse(&chromium, &home, "report.html", &["--dump-dom"]);
    assert_eq!((hidden(&all), said), (0, Vec::new()));
    assert!(all.contains("<select aria-label=\"severity\">"));
    let (some, said) = browse(
        &chromium,
        &home,
        "report.html#severity=high",
        &["--dump-dom"],
    );
    let loud = ["high", "critical"]
        .iter()
        .map(|s| text.matches(&format!("<tr data-severity=\"{s}\"")).count())
        .sum::<usize>();
    assert!(loud > 5 && said.is_empty());
    assert_eq!(hidden(&some), rows - loud);
}

/// An account in which every name is an attack on whoever reads it.
#[test]
fn a_hostile_account_runs_nothing_and_breaks_nothing() {
    let nasty = "<script>document.title='pwned'</script>\"><img src=x \
    onerror=\"document.title='pwned'\"></style></svg>{{7*7}}\u{1b}[2J\u{202e}\u{2066}<!channel> \
    @everyone 'x' `id` $(id)";
    let home = Home::new();
    let user = |grants: &str| {
        let policy = json!({
            "Version": "2012-10-17",
            "Statement": [{"Sid": nasty, "Effect": "Allow", "Action": grants, "Resource": "*"}],
        });
        json!({
            "UserDetailList": [{"Path": "/", "UserName": nasty, "UserId": "AIDA1", "Arn": format!("arn:aws:iam::111122223333:user/{nasty}"), "CreateDate": "2025-01-01T00:00:00Z",
                "UserPolicyList": [{
                    "PolicyName": nasty,
                    "PolicyDocument": policy,
                }], "GroupList": [], "AttachedManagedPolicies": [], "Tags": [{
                    "Key": nasty,
                    "Value": nasty,
                }]}],
            "GroupDetailList": [], "RoleDetailList": [], "Policies": [],
        })
    };
    for (time, grants) in [
        ("20260301T000000Z", "s3:GetObject"),
        ("20260303T000000Z", "*"),
    ] {
        let folder = home.path(&format!("in/config/{time}/111122223333/us-east-1"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(
            folder.join("iam-get-account-authorization-details.json"),
            user(grants).to_string(),
        )
        .unwrap();
    }
    let event = |n: u32, name: &str, request: Value| {
        json!({
            "eventVersion": "1.11",
            "eventTime": format!("2026-03-02T02:{n:02}:00Z"),
            "eventSource": "iam.amazonaws.com",
            "eventName": name,
            "awsRegion": "us-east-1",
            "sourceIPAddress": nasty,
            "userAgent": nasty,
            "recipientAccountId": "111122223333",
            "eventID": format!("7c1e0000-0000-4000-8000-0000000000{n:02}"),
            "requestParameters": request,
            "responseElements": null,
            "userIdentity": {
                "type": "IAMUser",
                "userName": nasty,
                "arn": format!("arn:aws:iam::111122223333:user/{nasty}"),
                "accountId": "111122223333",
                "accessKeyId": nasty,
            },
        })
    };
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{"Sid": nasty, "Effect": "Allow", "Action": "*", "Resource": "*"}],
    });
    let records = json!({
        "Records": [
            event(1, "PutUserPolicy", json!({
                "userName": nasty,
                "policyName": nasty,
                "policyDocument": policy.to_string(),
            })),
            event(2, "CreateAccessKey", json!({"userName": format!("{nasty}2")})),
            event(3, nasty, json!({"x": nasty})),
            ],
    });
    fs::create_dir_all(home.path("in/trail")).unwrap();
    fs::write(home.path("in/trail/t.json"), records.to_string()).unwrap();
    let terminal = home.must(0, &["watch", "--once", "in"]);
    assert!(
        terminal.contains("INTRUDER") && !terminal.contains(['\u{1b}', '\u{202e}', '\u{2066}']),
        "{terminal}"
    );
    let text = report_of(&home);
    assert!(
        text.contains("&lt;script&gt;document.title")
            && !text.contains(['\u{1b}', '\u{202e}', '\u{2066}'])
    );
    assert_eq!(
        (
            text.matches("<script>").count(),
            text.matches("<img").count(),
            text.matches("</svg>").count()
        ),
        (1, 0, text.matches("<svg ").count())
    );
    // Every command for the reader keeps the name one word.
    let told = home.json(&["watch", "--once", "in"]);
    for advice in told["incidents"][0]["todo"].as_array().unwrap() {
        let command = advice["command"]
            .as_str()
            .unwrap()
            .split("   # before")
            .next()
            .unwrap()
            .replace("'$(date -u +%Y-%m-%dT%H:%M:%SZ)'", "");
        let checked = Command::new("sh")
            .args(["-n", "-c", &command])
            .status()
            .unwrap();
        assert!(checked.success(), "{command}");
        let words = Command::new("sh")
            .args(["-c", &format!("set -- {command}; printf '%s\\n' \"$#\"")])
            .output()
            .unwrap();
        assert!(
            words.status.success() && !String::from_utf8_lossy(&words.stdout).contains("uid="),
            "{command}"
        );
    }
    let Some(chromium) = chromium() else { return };
    let (dom, said) = browse(&chromium, &home, "report.html", &["--dump-dom"]);
    assert_eq!(said, Vec::<String>::new());
    assert!(
        dom.contains("<title>Bartizan: INTRUDER") && dom.matches("<script>").count() == 1,
        "{}",
        &dom[..400]
    );
    // If something did get in, the policy would stop it: a script of ours is let in by its hash
    // alone.
    fs::write(
        home.path("worse.html"),
        text.replace(
            "</body>",
            "<script>document.title='pwned'</script><img src=x \
        onerror=\"document.title='pwned'\"></body>",
        ),
    )
    .unwrap();
    let (dom, said) = browse(&chromium, &home, "worse.html", &["--dump-dom"]);
    assert!(dom.contains("<title>Bartizan: INTRUDER"));
    assert!(
        said.iter().any(|l| l.contains("Content Security Policy")),
        "{said:?}"
    );
}
