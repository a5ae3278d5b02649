//! A receiver of HTTP requests that fails as it is told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What a receiver does with a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Answer {
    /// Status and `Retry-After` in seconds.
    Status(u16, Option<u32>),
    /// 200, and half of the body that it announces.
    HalfBody,
    /// Half a head.
    HalfHead,
    /// Closes without an answer.
    Close,
    /// Never answers.
    Hang,
    /// 302 to another port.
    Redirect(u16),
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) path: String,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(n, _)| n == name);
        found.map_or("", |(_, value)| value)
    }
}

/// A server on a port of its own; after its list of answers it says 200.
pub(crate) struct Receiver {
    pub(crate) port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
    answers: Arc<Mutex<Vec<Answer>>>,
}

impl Receiver {
    pub(crate) fn start(answers: &[Answer]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut reversed = answers.to_vec();
        reversed.reverse();
        let answers = Arc::new(Mutex::new(reversed));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, told) = (Arc::clone(&requests), Arc::clone(&answers));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, told) = (Arc::clone(&seen), Arc::clone(&told));
                std::thread::spawn(move || serve(stream, &seen, &told));
            }
        });
        Self {
            port,
            requests,
            answers,
        }
    }

    /// Forgets the other answers.
    pub(crate) fn answer_all(&self, answer: Answer) {
        *self.answers.lock().unwrap() = vec![answer];
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, seen: &Mutex<Vec<Request>>, told: &Mutex<Vec<Answer>>) {
    let Some(request) = read(&stream) else {
        return;
    };
    seen.lock().unwrap().push(request);
    let answer = told.lock().unwrap().pop();
    let text = match answer.unwrap_or(Answer::Status(200, None)) {
        Answer::Status(status, retry) => {
            let retry = retry.map_or(String::new(), |s| format!("Retry-After: {s}\r\n"));
            format!("HTTP/1.1 {status} x\r\n{retry}Content-Length: 2\r\n\r\nok")
        }
        Answer::HalfBody => "HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\nhalf".to_owned(),
        Answer::HalfHead => "HTTP/1.1 200 O".to_owned(),
        Answer::Close => return,
        Answer::Hang => {
            std::thread::sleep(std::time::Duration::from_secs(90));
            return;
        }
        Answer::Redirect(port) => format!(
            "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{port}/\r\nContent-Length: 0\r\n\r\n"
        ),
    };
    let _ = stream.write_all(text.as_bytes());
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.push((name.to_lowercase(), value.to_owned()));
    }
    let length = headers.iter().find(|(n, _)| n == "content-length");
    let mut body = vec![0; length?.1.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some(Request {
        path,
        headers,
        body: String::from_utf8(body).ok()?,
    })
}
