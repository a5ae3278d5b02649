//! Who may not look: names, origins, methods, cookies, paths, sizes, and those who are slow.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use super::Served;
use super::browser::Scenario;
use crate::common::root;
use crate::watch::home_with;

/// The value of a hidden field of a page.
fn form_token(page: &str) -> String {
    let after = page.split("name=\"form_token\" value=\"").nth(1).unwrap();
    after.split('"').next().unwrap().to_owned()
}

#[test]
fn whoever_has_no_right_is_refused() {
    let home = home_with("heist");
    home.must(0, &["watch", "--once", "in"]);
    let served = Served::start(&home, &[]);
    for path in [
        "/",
        "/now.json",
        "/incident/x",
        "/events",
        "/search?q=a",
        "/account",
        "/health",
        "/no",
    ] {
        let (status, head, body) = served.ask("GET", path, "", "");
        assert_eq!(status, 401, "{path}");
        assert!(
            !body.contains("111122223333") && head.contains("no-store"),
            "{path}"
        );
    }
    assert_eq!(served.ask("GET", "/?token=AAAA", "", "").0, 401);
    let cookie = served.cookie();
    // The token works once.
    let used = served.url.strip_prefix(&served.origin).unwrap();
    assert_eq!(served.ask("GET", used, "", "").0, 401);
    let page = served.get(&cookie, "/");
    let (port, token) = (served.port, form_token(&page));
    let id = served.json(&cookie, "/now.json")["incidents"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let note = format!("/incident/{id}/note");
    let body = format!("form_token={token}&text=x");
    let own = format!("Origin: http://127.0.0.1:{port}\r\n");

    // Other names that may point here.
    for host in [
        "evil.example",
        "evil.example:8080",
        "127.0.0.1",
        "localhost",
        "127.0.0.1.evil.example",
        "",
    ] {
        let asked = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{cookie}\r\n");
        assert_eq!(served.raw(asked.as_bytes()).0, 421, "{host}");
    }
    let two = format!(
        "GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nHost: evil\r\nConnection: close\r\n{cookie}\r\n"
    );
    assert!(matches!(served.raw(two.as_bytes()).0, 400 | 421));
    let none = format!("GET / HTTP/1.1\r\nConnection: close\r\n{cookie}\r\n");
    assert!(matches!(served.raw(none.as_bytes()).0, 400 | 421));

    // Other sites.
    for origin in [
        "http://evil.example",
        "null",
        "https://127.0.0.1:1",
        "http://localhost",
    ] {
        let headers = format!("{cookie}Origin: {origin}\r\n");
        assert_eq!(
            served.ask("POST", &note, &headers, &body).0,
            403,
            "{origin}"
        );
        assert_eq!(
            served.ask("GET", "/now.json", &headers, "").0,
            403,
            "{origin}"
        );
    }
    assert_eq!(
        served.ask("POST", &note, &cookie, &body).0,
        403,
        "no origin"
    );
    for site in ["cross-site", "same-site"] {
        let headers = format!("{cookie}Sec-Fetch-Site: {site}\r\nSec-Fetch-Mode: cors\r\n");
        assert_eq!(
            served.ask("GET", "/now.json", &headers, "").0,
            403,
            "{site}"
        );
        let headers = format!("{cookie}{own}Sec-Fetch-Site: {site}\r\n");
        assert_eq!(served.ask("POST", &note, &headers, &body).0, 403, "{site}");
    }
    let (_, head, _) = served.ask("OPTIONS", "/now.json", &format!("{cookie}{own}"), "");
    assert!(!head.contains("access-control"), "{head}");

    // Other methods.
    for method in ["PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "BREW"] {
        let status = served
            .ask(method, "/now.json", &format!("{cookie}{own}"), "")
            .0;
        assert!(matches!(status, 400 | 403 | 404 | 405), "{method} {status}");
    }
    assert_eq!(served.ask("GET", &note, &cookie, "").0, 405);

    // Other cookies, and forms of others.
    let value = cookie.trim().strip_prefix("Cookie: bartizan=").unwrap();
    for wrong in [
        String::new(),
        "Cookie: bartizan=\r\n".to_owned(),
        format!("Cookie: bartizan={}\r\n", &value[..value.len() - 1]),
        format!("Cookie: bartizan={value}x\r\n"),
        format!("Cookie: other={value}\r\n"),
        format!("Cookie: bartizan=x; bartizan={value}\r\n"),
    ] {
        assert_eq!(served.ask("GET", "/now.json", &wrong, "").0, 401, "{wrong}");
    }
    let full = format!("{cookie}{own}");
    for wrong in [
        "text=x".to_owned(),
        "form_token=&text=x".to_owned(),
        format!("form_token={token}x&text=x"),
    ] {
        assert_eq!(served.ask("POST", &note, &full, &wrong).0, 403, "{wrong}");
    }

    // Other paths.
    for path in [
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//evil.example/",
        "/incident/../now.json/x",
        "/incident/%00",
        "/style.css/../now.json",
        "/incident/x/../../y",
    ] {
        let (status, _, text) = served.ask("GET", path, &cookie, "");
        assert!(matches!(status, 400 | 404), "{path} {status}");
        assert!(!text.contains("root:"), "{path}");
    }
    assert_eq!(
        served
            .ask("POST", &format!("/incident/{id}/delete"), &full, &body)
            .0,
        404
    );
    assert_eq!(
        served.ask("POST", "/incident/none/note", &full, &body).0,
        404
    );

    // Too much.
    let large = format!("form_token={token}&text={}", "x".repeat(70_000));
    assert_eq!(served.ask("POST", &note, &full, &large).0, 413);
    let long = format!("X-Long: {}\r\n", "x".repeat(60_000));
    assert!(matches!(served.ask("GET", "/", &long, "").0, 0 | 400 | 431));
    let many: String = (0..200).map(|n| format!("X-{n}: 1\r\n")).collect();
    assert!(matches!(served.ask("GET", "/", &many, "").0, 0 | 400 | 431));

    // Nothing of that changed anything; what is right does.
    assert_eq!(
        served.json(&cookie, "/now.json")["incidents"][0]["follow_up"]["notes"],
        json!([])
    );
    let (status, head, _) = served.ask("POST", &note, &full, &body);
    assert_eq!(status, 303, "{head}");
    let notes = served.json(&cookie, "/now.json")["incidents"][0]["follow_up"]["notes"].clone();
    assert_eq!(
        (notes[0]["by"].as_str(), notes[0]["text"].as_str()),
        (Some("owner"), Some("x"))
    );
    // It is signed: the log still verifies, and has one entry more.
    home.must(0, &["verify", "evidence"]);
    // Accepting is what `accept` does, with who did it.
    let accept = format!("form_token={token}&text=a+test&until=2099-01-01");
    assert_eq!(
        served
            .ask("POST", &format!("/incident/{id}/accept"), &full, &accept)
            .0,
        303
    );
    let list = home.json(&["accept", "--list"]);
    let all = list.as_array().unwrap();
    assert!(all.len() > 10 && all.iter().all(|j| j["justification"]["by"] == "owner"));
    let past = format!("form_token={token}&text=a&until=2001-01-01");
    assert_eq!(
        served
            .ask("POST", &format!("/incident/{id}/silence"), &full, &past)
            .0,
        400
    );

    // Signed out is out.
    let out = format!("form_token={token}");
    assert_eq!(served.ask("POST", "/logout", &full, &out).0, 200);
    assert_eq!(served.ask("GET", "/", &cookie, "").0, 401);
    // Guessing ends.
    let many = (0..14).map(|_| served.ask("GET", "/?token=AAAA", "", "").0);
    assert!(many.collect::<Vec<_>>().contains(&429));
}

#[test]
fn who_is_slow_is_let_go_and_harms_nobody() {
    let home = home_with("heist");
    home.must(0, &["watch", "--once", "in"]);
    let served = Served::start(&home, &[]);
    let cookie = served.cookie();
    let connect = || {
        let stream = TcpStream::connect(("127.0.0.1", served.port)).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(50)))
            .unwrap();
        stream
    };
    let host = format!("127.0.0.1:{}", served.port);
    // Two hundred open pages, each with its stream of changes.
    let before = served.used().1;
    let mut pages: Vec<TcpStream> = (0..200)
        .map(|_| {
            let mut stream = connect();
            write!(
                stream,
                "GET /events HTTP/1.1\r\nHost: {host}\r\n{cookie}\r\n"
            )
            .unwrap();
            stream
        })
        .collect();
    for page in &mut pages {
        let mut seen = String::new();
        let mut bytes = [0; 1024];
        while !seen.contains("event: seen") {
            let n = page.read(&mut bytes).unwrap();
            assert!(n > 0, "{seen}");
            seen.push_str(&String::from_utf8_lossy(&bytes[..n]));
        }
    }
    // Each also loads the page; some never take what they asked for.
    let stuck: Vec<TcpStream> = (0..40)
        .map(|_| {
            let mut stream = connect();
            for _ in 0..30 {
                let id = "GET /health.json HTTP/1.1\r\nHost: ";
                let _ = write!(stream, "{id}{host}\r\n{cookie}\r\n");
            }
            stream
        })
        .collect();
    for _ in 0..200 {
        served.get(&cookie, "/");
    }
    let start = Instant::now();
    served.get(&cookie, "/");
    let took = start.elapsed();
    let after = served.used().1;
    println!("200 open pages, 40 stuck readers: {before} kB → {after} kB; a page in {took:?}");
    assert!(after < 150_000, "{after} kB");
    assert!(took < Duration::from_secs(2), "{took:?}");
    // A head that never ends, and a body that never comes.
    let mut head = connect();
    write!(head, "GET / HTTP/1.1\r\nHost: {host}\r\nX-Slow: ").unwrap();
    let mut body = connect();
    let origin = format!("Origin: http://{host}\r\n");
    write!(
        body,
        "POST /incident/x/note HTTP/1.1\r\nHost: {host}\r\n{cookie}{origin}Content-Type: \
        application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nform"
    )
    .unwrap();
    let start = Instant::now();
    for _ in 0..100 {
        if head.write_all(b"x").is_err() || start.elapsed() > Duration::from_secs(14) {
            break;
        }
        std::thread::sleep(Duration::from_millis(300));
    }
    let mut rest = Vec::new();
    let _ = head.read_to_end(&mut rest);
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "the head was waited for"
    );
    let mut rest = String::new();
    let _ = body.read_to_string(&mut rest);
    assert!(rest.contains(" 408 "), "{rest}");
    assert!(start.elapsed() < Duration::from_secs(45));
    // The others are served still.
    served.get(&cookie, "/");
    drop((pages, stuck));
}

#[test]
fn elsewhere_it_wants_tls_users_and_names() {
    let home = home_with("heist");
    home.must(0, &["watch", "--once", "in"]);
    let told = home.fails(1, &["serve", "--listen", "0.0.0.0:0"]);
    assert!(
        told.contains("--tls-cert") && told.contains("--behind-proxy"),
        "{told}"
    );
    let proxied = [
        "serve",
        "--listen",
        "0.0.0.0:0",
        "--behind-proxy",
        "alarm.example",
    ];
    assert!(home.fails(1, &proxied).contains("--users or --openid"));
    let weak = home
        .command(&["serve", "--hash-password"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(weak.status.code(), Some(1));
    let hash = |password: &str| {
        let mut child = home
            .command(&["serve", "--hash-password"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        writeln!(child.stdin.take().unwrap(), "{password}").unwrap();
        let output = child.wait_with_output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let users = format!(
        "# two\nalice responder {}\nbob reader {}\n",
        hash("correct horse battery"),
        hash("another long password")
    );
    assert!(users.contains("$argon2id$"));
    fs::write(home.path("users.txt"), &users).unwrap();
    fs::write(home.path("bad.txt"), "alice responder $2b$12$abc\n").unwrap();
    assert!(
        home.fails(1, &["serve", "--users", "bad.txt"])
            .contains("argon2id")
    );
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
        ])
        .args([
            "-keyout",
            "key.pem",
            "-out",
            "cert.pem",
            "-addext",
            "subjectAltName=DNS:localhost",
        ])
        .current_dir(home.dir.path())
        .stderr(Stdio::null())
        .status();
    assert!(
        made.is_ok_and(|s| s.success()),
        "openssl makes a certificate"
    );
    let tls = [
        "--tls-cert",
        "cert.pem",
        "--tls-key",
        "key.pem",
        "--users",
        "users.txt",
    ];
    let nameless = [["serve", "--listen", "0.0.0.0:0"].as_slice(), &tls].concat();
    assert!(home.fails(1, &nameless).contains("--host"));
    let served = Served::start(&home, &tls);
    assert!(
        served.origin.starts_with("https://127.0.0.1:"),
        "{}",
        served.url
    );
    // Plain HTTP gets nothing.
    assert_eq!(served.ask("GET", "/", "", "").0, 0);
    for (user, password, who) in [
        ("alice", "correct horse battery", "alice, responder"),
        ("bob", "another long password", "bob, reader"),
    ] {
        let more = json!({"user": user, "password": password});
        if let Some(mut scenario) = Scenario::start("sign", &served, &more) {
            assert!(scenario.until("who").contains(who));
            scenario.ends();
        }
    }
}

/// Behind a proxy, where plain HTTP can be spoken to it: roles, and guesses of passwords.
#[test]
fn readers_change_nothing_and_guessing_ends() {
    let home = home_with("heist");
    home.must(0, &["watch", "--once", "in"]);
    let mut child = home
        .command(&["serve", "--hash-password"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "another long password").unwrap();
    let hash = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    fs::write(home.path("users.txt"), format!("bob reader {hash}")).unwrap();
    let mut served = Served::start(
        &home,
        &["--behind-proxy", "alarm.example", "--users", "users.txt"],
    );
    // The address is the proxy's: the port is looked up.
    served.port = port_of(served.child.id());
    let ask = |method: &str, path: &str, headers: &str, body: &str| {
        let length = body.len();
        served.raw(
            format!(
                "{method} {path} HTTP/1.1\r\nHost: alarm.example\r\nConnection: close\r\n\
                Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\
                {headers}\r\n{body}"
            )
            .as_bytes(),
        )
    };
    let own = "Origin: https://alarm.example\r\n";
    let (status, head, _) = ask(
        "POST",
        "/login",
        own,
        "name=bob&password=another+long+password",
    );
    assert_eq!(status, 200, "{head}");
    assert!(
        head.contains("set-cookie: __host-bartizan=") && head.contains("secure"),
        "{head}"
    );
    assert!(head.contains("strict-transport-security"));
    assert_eq!(
        ask(
            "POST",
            "/login",
            "",
            "name=bob&password=another+long+password"
        )
        .0,
        403
    );
    let guesses: Vec<u16> = (0..14)
        .map(|n| {
            ask(
                "POST",
                "/login",
                own,
                &format!("name=bob&password=guess{n}"),
            )
            .0
        })
        .collect();
    assert!(
        guesses.starts_with(&[401]) && guesses.ends_with(&[429]),
        "{guesses:?}"
    );
    // Even the right one, for a minute.
    assert_eq!(
        ask(
            "POST",
            "/login",
            own,
            "name=bob&password=another+long+password"
        )
        .0,
        429
    );
}

/// Port that a process of ours listens on.
fn port_of(process: u32) -> u16 {
    let output = Command::new("sh")
        .args([
            "-c",
            &format!("ls -l /proc/{process}/fd; cat /proc/{process}/net/tcp"),
        ])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let sockets: Vec<&str> = text
        .lines()
        .filter_map(|l| l.split("socket:[").nth(1)?.split(']').next())
        .collect();
    let listening = |line: &&str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields.get(3) == Some(&"0A") && fields.get(9).is_some_and(|i| sockets.contains(i))
    };
    let line = text.lines().find(listening).unwrap();
    let address = line.split_whitespace().nth(1).unwrap();
    u16::from_str_radix(address.rsplit(':').next().unwrap(), 16).unwrap()
}

/// The description of the addresses is that of the program, and answers are as it says.
#[test]
fn the_http_api_is_as_documented() {
    let home = home_with("heist");
    home.must(0, &["watch", "--once", "in"]);
    let served = Served::start(&home, &["--trail", "in/trail"]);
    let cookie = served.cookie();
    let documented = served.json("", "/openapi.json");
    let paths = documented["paths"].as_object().unwrap();
    let source = fs::read_to_string(root().join("crates/app/src/page/server.rs")).unwrap();
    let routes: Vec<&str> = source
        .split(".route(\"")
        .skip(1)
        .map(|r| r.split('"').next().unwrap())
        .collect();
    assert!(routes.len() > 15);
    for route in &routes {
        let is_own = matches!(*route, "/style.css" | "/page.js" | "/favicon.ico");
        assert!(
            is_own || paths.contains_key(*route),
            "{route} is not documented"
        );
    }
    let now = served.json(&cookie, "/now.json");
    let id = now["incidents"][0]["id"].as_str().unwrap().to_owned();
    let incident = served.json(&cookie, &format!("/incident/{id}.json"));
    let finding = incident["findings"][0]["id"].as_str().unwrap().to_owned();
    let event = incident["incident"]["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .find_map(|m| m["event"].as_str())
        .unwrap()
        .to_owned();
    served.get(&cookie, "/account");
    std::thread::sleep(Duration::from_secs(3));
    let mut asked = 0;
    for (path, what) in paths
        .iter()
        .filter(|(p, _)| p.ends_with(".json") && *p != "/openapi.json")
    {
        let base = path.strip_suffix(".json").unwrap().replace("/{id}", "");
        let known = routes.contains(&path.as_str())
            || routes.contains(&path.strip_suffix(".json").unwrap());
        assert!(known, "{path} is documented and not there");
        let query = match base.as_str() {
            "/search" => "?q=backup",
            "/compare" => "?before=0&after=1",
            "/rule" => "?id=changed",
            _ => "",
        };
        let named = match base.as_str() {
            "/incident" => &id,
            "/finding" => &finding,
            _ => &event,
        };
        let address = format!("{}{query}", path.replace("{id}", named));
        let answer = served.json(&cookie, &address);
        let schema =
            what["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
                .as_str()
                .unwrap();
        let name = schema.rsplit('/').next().unwrap();
        let schema = &documented["components"]["schemas"][name];
        let keys = |v: &serde_json::Value| {
            let mut keys: Vec<String> = v.as_object().unwrap().keys().cloned().collect();
            keys.sort();
            keys
        };
        assert_eq!(keys(&answer), keys(&schema["properties"]), "{address}");
        asked += 1;
    }
    assert_eq!(asked, 9);
}
