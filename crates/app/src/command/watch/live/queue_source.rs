//! A queue as a source: what a message names is read here and handed over, and the message is
//! deleted when all of it is on the disk.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use bartizan_cloud::bucket::S3Folder;
use bartizan_cloud::client::CallError;
use bartizan_cloud::live::Identity;
use bartizan_cloud::model::Model;
use bartizan_cloud::queue::{Queue, QueueMessage};
use bartizan_trail::notice::{Notice, ObjectChange, ObjectNotice, UnknownNotice, notices};

use super::arrivals::{Arrival, ArrivalSender, Brought, Receipt};
use crate::store::add_to_inbox;
use crate::trail::TrailObject;

/// Seconds for which a received message is hidden from others.
const VISIBILITY_S: u64 = 120;

/// Time after which a message that is still worked on is hidden for longer.
const EXTEND_AFTER: Duration = Duration::from_secs(VISIBILITY_S / 2);

/// Seconds of long polling while nothing is worked on.
const POLL_S: u64 = 10;

/// Wait after a failure of the queue.
const RETRY: Duration = Duration::from_secs(5);

/// Messages that are worked on at once.
const IN_FLIGHT_MAX: usize = 200;

/// Receipts of a message after which it is dropped: what it names cannot be read.
const RECEIVED_MAX: u32 = 5;

/// Objects that are read at once.
const READS_AT_ONCE: usize = 8;

/// Queue that is received from, in a thread of its own.
pub(super) struct QueueSource {
    /// Its place in the configuration.
    pub(super) number: usize,
    pub(super) url: String,
    pub(super) profile: Option<String>,
    pub(super) store: String,
    /// Receipts of what is on the disk.
    pub(super) kept: Receiver<String>,
}

/// Messages that are worked on, by their handle.
type InFlight = HashMap<String, Instant>;

/// Message with what it says.
struct ReadMessage {
    message: QueueMessage,
    brought: Vec<Brought>,
    records: Vec<String>,
    objects: Vec<TrailObject>,
    /// A part cannot be read yet: it comes again when its time of hiding ends.
    later: bool,
}

impl QueueSource {
    /// Receives until nobody wants more.
    pub(super) fn run(mut self, sender: &ArrivalSender) {
        let runtime = match tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
        {
            Ok(runtime) => runtime,
            Err(e) => {
                sender.problem(&format!("{}: {e}", self.url));
                return;
            }
        };
        let model = Arc::new(Model::builtin());
        let queue = loop {
            let opened = Queue::open(&model, &self.url, self.profile.as_deref());
            match runtime.block_on(opened) {
                Ok(queue) => break queue,
                Err(e) => {
                    if !sender.problem(&format!("{}: {e}", self.url)) || !sender.pause(RETRY) {
                        return;
                    }
                }
            }
        };
        let mut folders = BucketFolders::new(model, self.profile.clone());
        let mut in_flight = InFlight::new();
        while sender.pause(Duration::ZERO) {
            let step = self.step(&queue, &runtime, &mut folders, &mut in_flight, sender);
            match step {
                Ok(true) => {}
                Ok(false) => return,
                Err(why) => {
                    if !sender.problem(&format!("{}: {why}", self.url)) || !sender.pause(RETRY) {
                        return;
                    }
                }
            }
        }
        // What was kept in the meantime need not come again; the rest comes again at once.
        if self.delete_kept(&queue, &runtime, &mut in_flight).is_ok() {
            let left: Vec<&str> = in_flight.keys().map(String::as_str).collect();
            let _ = runtime.block_on(queue.extend(&left, 0));
        }
    }

    /// Deletes what is kept, hides what is worked on for longer, and receives. Returns false if
    /// nobody wants more.
    fn step(
        &mut self,
        queue: &Queue,
        runtime: &tokio::runtime::Runtime,
        folders: &mut BucketFolders,
        in_flight: &mut InFlight,
        sender: &ArrivalSender,
    ) -> Result<bool, String> {
        self.delete_kept(queue, runtime, in_flight)?;
        let late: Vec<String> = in_flight
            .iter()
            .filter(|(_, since)| since.elapsed() > EXTEND_AFTER)
            .map(|(handle, _)| handle.clone())
            .collect();
        if !late.is_empty() {
            let handles: Vec<&str> = late.iter().map(String::as_str).collect();
            let extended = runtime.block_on(queue.extend(&handles, VISIBILITY_S));
            extended.map_err(|e| refusal(&e))?;
            for handle in late {
                in_flight.insert(handle, Instant::now());
            }
        }
        if in_flight.len() >= IN_FLIGHT_MAX {
            return Ok(sender.pause(Duration::from_millis(100)));
        }
        let wait_s = if in_flight.is_empty() { POLL_S } else { 0 };
        // Short polls, so that a signal and receipts are seen in time.
        let received = runtime.block_on(queue.receive(10, wait_s.min(2), VISIBILITY_S));
        let messages = received.map_err(|e| refusal(&e))?;
        if messages.is_empty() && !in_flight.is_empty() {
            return Ok(sender.pause(Duration::from_millis(100)));
        }
        for read in self.read(messages, folders)? {
            in_flight.insert(read.message.handle.clone(), Instant::now());
            let mut receipt = Some(Receipt {
                queue: self.number,
                handle: read.message.handle,
            });
            let count = read.brought.len();
            for (n, brought) in read.brought.into_iter().enumerate() {
                // All that comes before is kept when this is.
                let receipt = if n + 1 == count { receipt.take() } else { None };
                if !sender.send(Arrival { brought, receipt }) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Reads what messages name. Those that cannot be read yet are left out.
    fn read(
        &self,
        messages: Vec<QueueMessage>,
        folders: &mut BucketFolders,
    ) -> Result<Vec<ReadMessage>, String> {
        let mut read: Vec<ReadMessage> = messages
            .into_iter()
            .map(|message| self.say(message, folders))
            .collect();
        let objects = read.iter_mut().enumerate();
        let objects: Vec<(usize, TrailObject)> = objects
            .flat_map(|(n, r)| {
                std::mem::take(&mut r.objects)
                    .into_iter()
                    .map(move |o| (n, o))
            })
            .collect();
        for (n, object) in held(objects) {
            let of = &mut read[n];
            match object {
                Ok(object) => of.brought.push(Brought::Object(object)),
                Err((name, e)) if of.message.received_count >= RECEIVED_MAX => {
                    let why = format!("{name}: {e}");
                    let unread = self.unread(&of.message, why);
                    of.brought.push(unread);
                }
                Err(_) => of.later = true,
            }
        }
        read.retain(|r| !r.later);
        let records: Vec<String> = read
            .iter_mut()
            .flat_map(|r| std::mem::take(&mut r.records))
            .collect();
        if !records.is_empty() {
            let files = add_to_inbox(&self.store, &records).map_err(|e| format!("{e:#}"))?;
            let files = files.iter().filter_map(|f| TrailObject::of_file(f));
            if let Some(first) = read.first_mut() {
                first.brought.extend(files.map(Brought::Object));
            }
        }
        for one in &mut read {
            if one.brought.is_empty() {
                one.brought.push(Brought::Nothing);
            }
        }
        Ok(read)
    }

    fn delete_kept(
        &mut self,
        queue: &Queue,
        runtime: &tokio::runtime::Runtime,
        in_flight: &mut InFlight,
    ) -> Result<(), String> {
        let kept: Vec<String> = self.kept.try_iter().collect();
        for some in kept.chunks(10) {
            let handles: Vec<&str> = some.iter().map(String::as_str).collect();
            // One that is not deleted comes again, and is known then.
            let deleted = runtime.block_on(queue.delete(&handles));
            for handle in some {
                in_flight.remove(handle);
            }
            deleted.map_err(|e| refusal(&e))?;
        }
        Ok(())
    }

    /// What a message says, with its objects not read yet.
    fn say(&self, message: QueueMessage, folders: &mut BucketFolders) -> ReadMessage {
        let give_up = message.received_count >= RECEIVED_MAX;
        let mut read = ReadMessage {
            brought: Vec::new(),
            records: Vec::new(),
            objects: Vec::new(),
            later: false,
            message,
        };
        for notice in notices(&read.message.body) {
            match notice {
                Notice::Test => {}
                Notice::Record(record) => read.records.push(record),
                Notice::Finding(body) => read.brought.push(Brought::Finding {
                    queue: self.url.clone(),
                    body,
                }),
                Notice::Object(object) if object.change == ObjectChange::Deleted => {
                    read.brought.push(Brought::Deleted {
                        name: format!("s3://{}/{}", object.bucket, object.key),
                    });
                }
                Notice::Object(object) => match folders.object(&object) {
                    Ok(object) => read.objects.push(object),
                    Err(why) if give_up => read.brought.push(self.unread(&read.message, why)),
                    Err(_) => read.later = true,
                },
                Notice::Unknown(why) => {
                    let unread = self.unread(&read.message, unknown_word(&why));
                    read.brought.push(unread);
                }
            }
        }
        read
    }

    fn unread(&self, message: &QueueMessage, why: String) -> Brought {
        Brought::Unread {
            queue: self.url.clone(),
            message: message.id.clone(),
            body: message.body.clone(),
            why,
        }
    }
}

/// Object that was read into memory, or its name and why not; with the number of its message.
type HeldObject = (usize, Result<TrailObject, (String, io::Error)>);

/// Reads objects into memory, several at once: most of the time is spent waiting.
fn held(objects: Vec<(usize, TrailObject)>) -> Vec<HeldObject> {
    let hold = |(n, mut object): (usize, TrailObject)| match object.hold() {
        Ok(()) => (n, Ok(object)),
        Err(e) => (n, Err((object.name, e))),
    };
    let mut done = Vec::new();
    let mut left = objects.into_iter().peekable();
    while left.peek().is_some() {
        let some: Vec<(usize, TrailObject)> = left.by_ref().take(READS_AT_ONCE).collect();
        std::thread::scope(|scope| {
            let start = |one| scope.spawn(move || hold(one));
            let running: Vec<_> = some.into_iter().map(start).collect();
            for one in running {
                match one.join() {
                    Ok(result) => done.push(result),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
        });
    }
    done
}

/// What a queue answered instead, e.g. `AWS.SimpleQueueService.NonExistentQueue: …`.
fn refusal(error: &CallError) -> String {
    format!("{}: {}", error.code, error.detail)
}

/// Word for a message that says nothing known, e.g. `not-json`.
fn unknown_word(why: &UnknownNotice) -> String {
    serde_json::to_string(why).unwrap_or_default()
}

/// Buckets that messages named, each opened once.
pub(super) struct BucketFolders {
    model: Arc<Model>,
    profile: Option<String>,
    open: BTreeMap<String, Arc<S3Folder>>,
}

impl BucketFolders {
    pub(super) fn new(model: Arc<Model>, profile: Option<String>) -> Self {
        Self {
            model,
            profile,
            open: BTreeMap::new(),
        }
    }

    /// Object that a message names.
    fn object(&mut self, notice: &ObjectNotice) -> Result<TrailObject, String> {
        let folder = self.bucket(&notice.bucket)?;
        let bytes = match notice.bytes {
            Some(bytes) => bytes,
            None => folder.size(&notice.key).map_err(|e| e.to_string())?,
        };
        let version = notice.entity_tag.clone();
        Ok(TrailObject::of_bucket(folder, &notice.key, bytes, version))
    }

    fn bucket(&mut self, bucket: &str) -> Result<Arc<S3Folder>, String> {
        if let Some(folder) = self.open.get(bucket) {
            return Ok(folder.clone());
        }
        let identity = Identity {
            profile: self.profile.clone(),
            ..Identity::default()
        };
        let url = format!("s3://{bucket}");
        let folder = S3Folder::open(&self.model, &url, &identity).map_err(|e| e.to_string())?;
        let folder = Arc::new(folder);
        self.open.insert(bucket.to_owned(), folder.clone());
        Ok(folder)
    }
}
