//! Messages to systemd: ready, alive, stopping
//! (<https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html>).

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

/// Socket of the service manager; silent where there is none.
#[derive(Debug)]
pub(crate) struct Systemd {
    socket: Option<(UnixDatagram, SocketAddr)>,
    /// Half the time after which systemd would end us.
    every: Option<Duration>,
    last: Option<Instant>,
}

/// State of the service, for systemd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SystemdState {
    Ready,
    Reloading,
    Stopping,
}

impl Systemd {
    /// Socket of `NOTIFY_SOCKET`, with the interval of `WATCHDOG_USEC`.
    pub(crate) fn from_environment() -> Self {
        let variable = |name: &str| std::env::var(name).ok();
        Self::new(
            variable("NOTIFY_SOCKET").as_deref(),
            variable("WATCHDOG_USEC").as_deref(),
        )
    }

    fn new(socket: Option<&str>, watchdog_us: Option<&str>) -> Self {
        let address = socket.and_then(|name| match name.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name).ok(),
            None => SocketAddr::from_pathname(name).ok(),
        });
        let socket = address.and_then(|address| Some((UnixDatagram::unbound().ok()?, address)));
        let micros: Option<u64> = watchdog_us.and_then(|t| t.parse().ok());
        Self {
            socket,
            every: micros.map(|us| Duration::from_micros(us / 2)),
            last: None,
        }
    }

    pub(crate) fn tell(&self, state: SystemdState) {
        self.send(match state {
            SystemdState::Ready => "READY=1",
            SystemdState::Reloading => "RELOADING=1",
            SystemdState::Stopping => "STOPPING=1",
        });
    }

    /// Says that the loop goes on, if it is time. Call it only from the loop itself, after a tick.
    pub(crate) fn alive(&mut self) {
        let Some(every) = self.every else {
            return;
        };
        if self.last.is_none_or(|last| last.elapsed() >= every) {
            self.last = Some(Instant::now());
            self.send("WATCHDOG=1");
        }
    }

    fn send(&self, text: &str) {
        if let Some((socket, address)) = &self.socket {
            // Nobody listens any more: systemd finds out by itself.
            let _ = socket.send_to_addr(text.as_bytes(), address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systemd_hears_of_each_step() {
        for name in ["path", "@bartizan-test-abstract"] {
            let folder = tempfile_dir();
            let name = match name {
                "path" => folder.join("notify").to_str().unwrap().to_owned(),
                name => format!("{name}-{}", std::process::id()),
            };
            let listener = match name.strip_prefix('@') {
                Some(name) => {
                    let address = SocketAddr::from_abstract_name(name).unwrap();
                    UnixDatagram::bind_addr(&address).unwrap()
                }
                None => UnixDatagram::bind(&name).unwrap(),
            };
            let mut systemd = Systemd::new(Some(&name), Some("0"));
            systemd.tell(SystemdState::Ready);
            systemd.alive();
            systemd.tell(SystemdState::Stopping);
            for expected in ["READY=1", "WATCHDOG=1", "STOPPING=1"] {
                let mut bytes = [0; 64];
                let n = listener.recv(&mut bytes).unwrap();
                assert_eq!(std::str::from_utf8(&bytes[..n]).unwrap(), expected);
            }
            let _ = std::fs::remove_dir_all(folder);
        }
        Systemd::new(None, None).tell(SystemdState::Ready);
    }

    fn tempfile_dir() -> std::path::PathBuf {
        let folder = std::env::temp_dir().join(format!("bartizan-notify-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }
}
