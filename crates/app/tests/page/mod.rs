//! The page, in a real browser and over plain sockets.

mod access;
mod browser;
mod hostile;
mod openid;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::common::{Home, root};

/// A page that is served, ended with the test.
struct Served {
    child: Child,
    /// `http://127.0.0.1:4711`.
    origin: String,
    /// The first line.
    url: String,
    port: u16,
}

impl Served {
    fn start(home: &Home, args: &[&str]) -> Self {
        let all = [["serve", "--listen", "127.0.0.1:0"].as_slice(), args].concat();
        let mut child = home.command(&all).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        lines.read_line(&mut line).unwrap();
        // Somebody reads on, or the next address would block the server.
        std::thread::spawn(move || lines.lines().count());
        let url = line.trim().to_owned();
        let origin = url.split("/?").next().unwrap().to_owned();
        let port = origin.rsplit(':').next().unwrap().parse().unwrap_or(0);
        Self {
            child,
            origin,
            url,
            port,
        }
    }

    /// Sends bytes on a connection of its own. Gives status, head and body.
    fn raw(&self, bytes: &[u8]) -> (u16, String, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let text = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|s| s.parse().ok())
            .unwrap_or(0);
        (status, head.to_ascii_lowercase(), body.to_owned())
    }

    /// A request with these headers beside Host.
    fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> (u16, String, String) {
        let length = match body {
            "" => String::new(),
            body => format!(
                "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
                body.len()
            ),
        };
        let host = format!("127.0.0.1:{}", self.port);
        self.raw(
            format!(
                "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\
                {length}\r\n{body}"
            )
            .as_bytes(),
        )
    }

    /// Uses the printed token. Gives a header with the cookie.
    fn cookie(&self) -> String {
        let path = self.url.strip_prefix(&self.origin).unwrap();
        let host = format!("127.0.0.1:{}", self.port);
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
        let cookie = answer
            .lines()
            .find_map(|l| l.strip_prefix("set-cookie: "))
            .unwrap();
        format!("Cookie: {}\r\n", cookie.split(';').next().unwrap())
    }

    fn get(&self, cookie: &str, path: &str) -> String {
        let (status, head, body) = self.ask("GET", path, cookie, "");
        assert_eq!(status, 200, "{path}: {head}");
        body
    }

    fn json(&self, cookie: &str, path: &str) -> Value {
        serde_json::from_str(&self.get(cookie, path)).unwrap()
    }

    /// Clock ticks of processor that it used, and kilobytes that it holds.
    fn used(&self) -> (u64, u64) {
        let of = |name: &str| {
            std::fs::read_to_string(format!("/proc/{}/{name}", self.child.id())).unwrap()
        };
        let stat = of("stat");
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap()
            .split_whitespace()
            .collect();
        let ticks = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        let status = of("status");
        let rss = status
            .lines()
            .find_map(|l| l.strip_prefix("VmRSS:"))
            .unwrap();
        (
            ticks,
            rss.trim().split(' ').next().unwrap().parse().unwrap(),
        )
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Folder of the npm packages that `cargo xtask test` installs, or one line that says it is absent.
fn node_modules() -> Option<PathBuf> {
    let modules = std::env::var_os("BARTIZAN_NODE")
        .map_or_else(|| root().join("target/node/node_modules"), PathBuf::from);
    if !modules.join("playwright-core").exists() {
        eprintln!(
            "skipped: {} is absent; cargo xtask test installs it",
            modules.display()
        );
        return None;
    }
    Some(modules)
}

/// A script beside these tests.
fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/page")
        .join(name)
}
