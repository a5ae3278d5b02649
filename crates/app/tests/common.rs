//! A home of its own for each test, and the program run in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A folder for one test, and an environment with nothing of the user's in it.
pub(crate) struct Home {
    pub(crate) dir: tempfile::TempDir,
    env: Vec<(String, String)>,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            env: Vec::new(),
        }
    }

    /// A home whose AWS is the server at `url`.
    pub(crate) fn with_aws(url: &str) -> Self {
        let mut home = Self::new();
        for (name, value) in [
            ("AWS_ENDPOINT_URL", url),
            ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "canary-secret-key"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_DEFAULT_REGION", "us-east-1"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ] {
            home.env.push((name.to_owned(), value.to_owned()));
        }
        home
    }

    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.env.retain(|(n, _)| n != name);
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bartizan"));
        command
            .args(args)
            .current_dir(self.dir.path())
            .env_clear()
            .stdin(Stdio::null());
        command
            .env("HOME", self.dir.path())
            .env("PATH", std::env::var("PATH").unwrap_or_default());
        command.envs(self.env.iter().cloned());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs and must end with this code; gives standard output.
    pub(crate) fn must(&self, code: i32, args: &[&str]) -> String {
        let output = self.run(args);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let talk = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            output.status.code(),
            Some(code),
            "bartizan {args:?}\n{text}\n{talk}"
        );
        assert!(
            !text.contains("canary-secret") && !talk.contains("canary-secret"),
            "a secret in the output of {args:?}"
        );
        text
    }

    /// What it says on standard error when it ends with this code.
    pub(crate) fn fails(&self, code: i32, args: &[&str]) -> String {
        let output = self.run(args);
        let talk = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(
            output.status.code(),
            Some(code),
            "bartizan {args:?}\n{talk}"
        );
        talk
    }

    pub(crate) fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.must(0, &[args, &["--format", "json"]].concat())).unwrap()
    }
}

/// The top of the checkout.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// A file or folder of the shared test data, or one line that says it is absent.
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let base =
        std::env::var_os("BARTIZAN_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let path = base.join(name);
    if !path.exists() {
        eprintln!(
            "skipped: {} is absent (set BARTIZAN_SHARED)",
            path.display()
        );
        return None;
    }
    Some(path)
}

/// A Python environment that `cargo xtask test` made, or one line that says it is absent.
pub(crate) fn venv(variable: &str) -> Option<PathBuf> {
    let path = std::env::var_os(variable)
        .map(PathBuf::from)
        .filter(|p| p.exists());
    if path.is_none() {
        eprintln!("skipped: {variable} is not set; cargo xtask test sets it");
    }
    path
}

/// Rows of a `.facts` text: kind, region, id, canonical hash.
pub(crate) fn facts(text: &str) -> Vec<(String, String, String, String)> {
    let row = |line: &str| {
        let f: Vec<String> = line.split('\t').map(str::to_owned).collect();
        (f[0].clone(), f[2].clone(), f[3].clone(), f[4].clone())
    };
    text.lines()
        .filter(|l| !l.starts_with("# "))
        .map(row)
        .collect()
}

/// A server of another program, ended with the test.
pub(crate) struct Server {
    child: std::process::Child,
    pub(crate) url: String,
}

impl Server {
    /// Starts a command that listens on `port`, and waits until it answers.
    pub(crate) fn start(mut command: Command, port: u16) -> Self {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self {
            child,
            url: format!("http://127.0.0.1:{port}"),
        };
        for _ in 0..1800 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return server;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        panic!("{command:?} does not listen on {port}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// Number of lines of a file that are valid by the OCSF 1.5.0 schema of a class, e.g.
/// `detection_finding`. Panics on the first that is not.
pub(crate) fn valid_ocsf_lines(venv: &Path, class: &str, file: &Path) -> usize {
    let script = "import json, sys\nfrom jsonschema import Draft202012Validator\n\
        from ocsf_json_schema import get_ocsf_schema, OcsfJsonSchemaEmbedded\n\
        embedded = OcsfJsonSchemaEmbedded(get_ocsf_schema('1.5.0'))\n\
        check = Draft202012Validator(embedded.get_class_schema(sys.argv[1], profiles=['cloud']))\n\
        n = 0\nfor line in open(sys.argv[2]):\n    \
        errors = [f'{list(e.absolute_path)}: {e.message[:200]}'\n        \
        for e in check.iter_errors(json.loads(line))]\n    \
        assert not errors, errors\n    n += 1\n\
        bad = json.loads(line); bad['severity_id'] = 'x'\n\
        assert list(check.iter_errors(bad))\nprint(n)\n";
    let output = Command::new(venv.join("bin/python"))
        .args(["-c", script, class])
        .arg(file)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let count = String::from_utf8_lossy(&output.stdout);
    count.trim().parse().unwrap()
}
