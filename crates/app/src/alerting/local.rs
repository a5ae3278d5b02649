//! Sinks on this machine: a file, a command.

use std::fs::OpenOptions;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use bartizan_alert::Alert;
use bartizan_alert::sink::{command, file};
use tokio::io::AsyncWriteExt;

use super::outcome::SendOutcome;

/// Time of a command.
const COMMAND: Duration = Duration::from_secs(30);
/// Exit code of a command that does not take this message (sysexits.h, EX_DATAERR).
const DATA_ERROR: i32 = 65;

/// Appends a line, on disk before it counts.
pub(super) fn append(path: &Path, alert: &Alert) -> SendOutcome {
    let written = || -> std::io::Result<()> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        let mut text = file::line(alert);
        if !ends_with_newline(&mut file)? {
            // A line that was cut short, by a full disk or a crash, stays one by itself.
            text.insert(0, '\n');
        }
        file.write_all(text.as_bytes())?;
        file.sync_data()
    };
    match written() {
        Ok(()) => SendOutcome::Delivered,
        Err(e) => SendOutcome::failed(format!("cannot write {}: {e}", path.display())),
    }
}

fn ends_with_newline(file: &mut std::fs::File) -> std::io::Result<bool> {
    if !file.metadata()?.is_file() || file.metadata()?.len() == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// Runs a command with the document on its standard input. Exit code 0: delivered; 65: it does not
/// take this message; any other: try again later.
pub(super) async fn run(program: &[String], alert: &Alert) -> SendOutcome {
    let Some((name, arguments)) = program.split_first() else {
        return SendOutcome::failed("no command");
    };
    let child = tokio::process::Command::new(name)
        .args(arguments)
        .env("BARTIZAN_ALERT_KEY", &alert.key)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(e) => return SendOutcome::failed(format!("cannot run {name}: {e}")),
    };
    let stdin = child.stdin.take();
    let talk = async {
        if let Some(mut stdin) = stdin {
            // A command that does not read says by its exit code whether that is well.
            let _ = stdin.write_all(&command::stdin(alert)).await;
        }
        child.wait().await
    };
    match tokio::time::timeout(COMMAND, talk).await {
        Ok(Ok(status)) if status.success() => SendOutcome::Delivered,
        Ok(Ok(status)) if status.code() == Some(DATA_ERROR) => {
            SendOutcome::refused(format!("{name}: {status}"))
        }
        Ok(Ok(status)) => SendOutcome::failed(format!("{name}: {status}")),
        Ok(Err(e)) => SendOutcome::failed(format!("{name}: {e}")),
        Err(_) => SendOutcome::failed(format!("{name} did not end in {} s", COMMAND.as_secs())),
    }
}
