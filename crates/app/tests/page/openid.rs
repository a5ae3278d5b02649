//! Signing in at an OpenID Connect provider: a real one, and one that lies.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::browser::Scenario;
use super::{Served, node_modules, script};
use crate::common::{Home, free_port};
use crate::watch::home_with;

struct Provider(Child);

impl Provider {
    fn start(kind: &str, port: u16, callback: &str) -> Option<Self> {
        let modules = node_modules()?;
        let mut child = Command::new("node")
            .arg(script("provider.js"))
            .args([kind, &port.to_string(), callback])
            .env("BARTIZAN_NODE", modules)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(
            lines.any(|l| l.is_ok_and(|l| l.contains("ready"))),
            "the provider starts"
        );
        std::thread::spawn(move || lines.count());
        Some(Self(child))
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn settings(home: &Home, port: u16) {
    fs::write(
        home.path("secret"),
        "a-secret-of-the-test-only-0123456789\n",
    )
    .unwrap();
    fs::write(
        home.path("openid.toml"),
        format!(
            "issuer = \"http://127.0.0.1:{port}\"\nclient_id = \"bartizan\"\n\
            client_secret_file = \"secret\"\nreaders = [\"readers\"]\n\
            responders = [\"responders\"]\n"
        ),
    )
    .unwrap();
}

#[test]
fn a_real_provider_lets_in_whom_it_knows() {
    let home = home_with("quiet");
    let port = free_port();
    settings(&home, port);
    let served = Served::start(&home, &["--openid", "openid.toml"]);
    let callback = format!("{}/login/callback", served.origin);
    let Some(_provider) = Provider::start("real", port, &callback) else {
        return;
    };
    for (user, who) in [
        ("alice", "alice (alice), responder"),
        ("bob", "bob (bob), reader"),
    ] {
        if let Some(mut scenario) = Scenario::start("sign", &served, &json!({"user": user})) {
            assert!(scenario.until("who").contains(who));
            scenario.ends();
        }
    }
}

/// A plain request to the provider.
fn ask(port: u16, path: &str) -> Value {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// Begins at the page and goes to the provider. Gives the state, and the cookie of the browser.
fn begun(served: &Served, port: u16) -> (String, String) {
    let host = format!("127.0.0.1:{}", served.port);
    let mut stream = TcpStream::connect(("127.0.0.1", served.port)).unwrap();
    write!(
        stream,
        "GET /login/openid HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let header = |name: &str| {
        answer
            .lines()
            .find_map(|l| l.strip_prefix(name))
            .unwrap()
            .to_owned()
    };
    let location = header("location: ");
    let cookie = header("set-cookie: ");
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
        "{cookie}"
    );
    assert!(
        location.contains("code_challenge_method=S256"),
        "{location}"
    );
    let path = location.split_once(&format!("127.0.0.1:{port}")).unwrap().1;
    let state = ask(port, path)["state"].as_str().unwrap().to_owned();
    (state, cookie.split(';').next().unwrap().to_owned())
}

#[test]
fn tokens_that_are_not_for_us_are_refused() {
    let home = home_with("quiet");
    let port = free_port();
    settings(&home, port);
    let modes = [
        "nonce",
        "no-nonce",
        "audience",
        "azp",
        "issuer",
        "expired",
        "future",
        "groups",
        "key",
        "unknown-kid",
        "unsigned",
        "hmac",
    ];
    let Some(_provider) = Provider::start("crafted", port, "") else {
        return;
    };
    let back = |served: &Served, state: &str, cookie: &str| {
        let path = format!("/login/callback?code=c&state={state}");
        let (status, head, _) = served.ask("GET", &path, &format!("Cookie: {cookie}\r\n"), "");
        (status, head.contains("set-cookie"))
    };
    for mode in modes {
        // Each in a start of its own: attempts are counted.
        let served = Served::start(&home, &["--openid", "openid.toml"]);
        ask(port, &format!("/mode/{mode}"));
        let (state, cookie) = begun(&served, port);
        assert_eq!(back(&served, &state, &cookie), (401, false), "{mode}");
    }
    let served = Served::start(&home, &["--openid", "openid.toml"]);
    ask(port, "/mode/good");
    let (state, cookie) = begun(&served, port);
    // Another state, another browser, none.
    assert_eq!(back(&served, "other", &cookie), (401, false));
    assert_eq!(
        back(&served, &state, "bartizan-sign-in=other"),
        (401, false)
    );
    // A state is used up, whoever used it.
    assert_eq!(back(&served, &state, &cookie), (401, false));
    let (state, cookie) = begun(&served, port);
    assert_eq!(
        back(&served, &state, &cookie),
        (200, true),
        "the right one is let in"
    );
    assert_eq!(back(&served, &state, &cookie), (401, false));
}
