//! Collection engine: runs the call table against a source, with a bounded number of calls in
//! flight, and returns facts and coverage. It knows no service by name.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

use bartizan_inventory::fact::{Fact, FactKinds, FactSource};
use bartizan_inventory::snapshot::{CallStatus, Collection, Coverage};
use bartizan_model::limits::{
    ATTEMPTS_MAX, ATTEMPTS_TEMPORARY_MAX, COVERAGE_ITEMS_MAX, DEFERRED_CALLS_AT_ONCE, PAGES_MAX,
};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures::future::LocalBoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use serde_json::{Map, Value};

use crate::client::{Answer, CallError, Retry};
use crate::model::Model;
use crate::pace::{BUDGET_BURST_SECONDS, SERVICE_BURST_SECONDS, TokenBucket};
use crate::table::{
    CallEntry, CallTable, CollectedService, FactCondition, FactRow, ItemSample, ServiceScope,
};
use crate::template::{TemplateScope, at, has};

/// Region of facts and coverage that belong to the whole account.
pub const GLOBAL: &str = "global";

/// Source of responses: AWS, or a folder.
pub trait CallSource {
    /// One attempt.
    fn ask<'a>(&'a self, ask: &'a Ask<'a>) -> LocalBoxFuture<'a, Result<Answer, CallError>>;

    /// Milliseconds since 1970.
    fn now_ms(&self) -> i64;

    /// Responses in the source that no call of the table reached: service, call, region,
    /// parameters.
    fn left(&self) -> Vec<(usize, usize, String, Map<String, Value>)>;

    /// Whether requests must be rate-limited.
    fn paced(&self) -> bool;

    /// Whether further pages can be requested with a token.
    fn pages(&self) -> bool;
}

/// Request to a source.
#[derive(Debug)]
pub struct Ask<'a> {
    pub service: &'a CollectedService,
    pub call: &'a CallEntry,
    pub region: String,
    /// Filled parameters, with the page token.
    pub params: Map<String, Value>,
    /// Scope of the item that the call is for.
    pub scope: TemplateScope,
}

/// Account, regions and limits of a collection.
#[derive(Debug)]
pub struct CollectionPlan<'a> {
    /// Account id, 12 digits.
    pub account: &'a str,
    /// Regions to collect.
    pub regions: Vec<String>,
    /// Regions that are disabled in the account.
    pub regions_off: Vec<String>,
    /// Region of the partition's global services.
    pub home: &'a str,
    /// Largest number of calls in flight.
    pub in_flight: usize,
    /// Largest number of requests per second, over all services.
    pub rps_max: Option<f64>,
    /// Program and version, e.g. `bartizan 0.1.0`.
    pub tool: &'a str,
    /// `aws`, or `import`.
    pub source: &'a str,
}

/// Progress of a collection.
#[derive(Debug, Clone, Copy, Default)]
pub struct Progress {
    /// Number of calls answered.
    pub done: u64,
    /// Number of known calls ahead, including those in flight.
    pub ahead: u64,
    /// Number of throttled calls.
    pub throttled: u64,
}

/// Collects one account.
pub async fn collect(
    model: &Model,
    kinds: &FactKinds,
    table: &CallTable,
    plan: &CollectionPlan<'_>,
    source: &dyn CallSource,
    progress: &dyn Fn(Progress),
) -> Collection {
    let start_ms = source.now_ms();
    let mut engine = Engine {
        model,
        kinds,
        table,
        plan,
        source,
        lanes: Vec::new(),
        lane_of: HashMap::new(),
        turn: 0,
        whole: plan
            .rps_max
            .map(|rps| TokenBucket::new(rps, BUDGET_BURST_SECONDS, Instant::now())),
        rows: BTreeMap::new(),
        new_fields: BTreeSet::new(),
        facts: Vec::new(),
        children: HashMap::new(),
        deferred: Vec::new(),
        needed: VecDeque::new(),
        progress: Progress::default(),
    };
    engine.seed();
    engine.run(progress).await;
    Collection {
        account: plan.account.to_owned(),
        time_ms: (start_ms, source.now_ms()),
        tool: plan.tool.to_owned(),
        table: table.hash,
        source: plan.source.to_owned(),
        coverage: engine.coverage(),
        new_fields: engine.new_fields,
        facts: engine.facts,
    }
}

struct Engine<'a> {
    model: &'a Model,
    kinds: &'a FactKinds,
    table: &'a CallTable,
    plan: &'a CollectionPlan<'a>,
    source: &'a dyn CallSource,
    lanes: Vec<Lane>,
    lane_of: HashMap<(String, usize), usize>,
    turn: usize,
    whole: Option<TokenBucket>,
    rows: BTreeMap<(String, usize, usize), CoverageRow>,
    new_fields: BTreeSet<(String, String)>,
    facts: Vec<Fact>,
    /// Number of items followed so far, by call and region, for `items_max`.
    children: HashMap<(String, usize, usize), usize>,
    /// Calls that a fact may make needless: they wait for all others.
    deferred: Vec<DeferredCall>,
    /// Those of them that no fact made needless.
    needed: VecDeque<DeferredCall>,
    progress: Progress,
}

/// Call with an `unless`, for an item.
struct DeferredCall {
    service: usize,
    call: usize,
    label: String,
    region: String,
    scope: TemplateScope,
}

/// Calls of one service in one region, which AWS throttles together.
struct Lane {
    queue: VecDeque<Job>,
    later: Vec<(Instant, Job)>,
    bucket: TokenBucket,
}

/// Coverage of one call, while it is collected.
#[derive(Default)]
struct CoverageRow {
    failed: Option<(CallStatus, String)>,
    answers: u64,
    whole: bool,
    unread: BTreeSet<String>,
}

/// Call to be made.
#[derive(Clone)]
struct Job {
    service: usize,
    call: usize,
    /// Region of its facts and coverage.
    label: String,
    /// Region to call.
    region: String,
    scope: TemplateScope,
    params: Map<String, Value>,
    token: Option<String>,
    pages: usize,
    attempts: u32,
    waits: u32,
    /// Items of the pages before, of a list that is sampled.
    gathered: Vec<Value>,
}

impl<'a> Engine<'a> {
    /// Adds a coverage row for every call, and a job for every independent call.
    fn seed(&mut self) {
        for (s, service) in self.table.services.iter().enumerate() {
            for (c, call) in service.calls.iter().enumerate() {
                for (label, region) in self.places(service, call) {
                    self.rows.entry((label.clone(), s, c)).or_default();
                    if call.parent().is_none() {
                        let account = serde_json::json!({
                            "account": self.plan.account,
                            "region": region,
                            "home": self.plan.home,
                        });
                        self.push_call(
                            s,
                            c,
                            label,
                            region,
                            TemplateScope::default().within(account),
                        );
                    }
                }
            }
        }
    }

    /// Label and region of each place where a call is made. A child call is made where its parent
    /// is.
    fn places(&self, service: &CollectedService, call: &CallEntry) -> Vec<(String, String)> {
        let mut call = call;
        while let Some((parent, _)) = call.parent() {
            match service.call(parent) {
                Some(index) => call = &service.calls[index],
                None => break,
            }
        }
        if !call.regions.is_empty() {
            let region = call.regions[0].replace("{home}", self.plan.home);
            return vec![(GLOBAL.to_owned(), region)];
        }
        match service.scope {
            ServiceScope::Global => vec![(GLOBAL.to_owned(), self.plan.home.to_owned())],
            ServiceScope::Regional => self
                .plan
                .regions
                .iter()
                .map(|r| (r.clone(), r.clone()))
                .collect(),
        }
    }

    fn push_call(
        &mut self,
        service: usize,
        call: usize,
        label: String,
        region: String,
        scope: TemplateScope,
    ) {
        let row = &self.table.services[service].calls[call];
        let job = |params, region| Job {
            service,
            call,
            label,
            region,
            scope: scope.clone(),
            params,
            token: None,
            pages: 0,
            attempts: 0,
            waits: 0,
            gathered: Vec::new(),
        };
        match scope.fill_params(&row.with) {
            Ok(params) => {
                let region = row
                    .region
                    .as_ref()
                    .map_or(region, |template| bucket_region(scope.fill(template)));
                self.push(job(params, region), None);
            }
            Err(missing) => {
                let job = job(Map::new(), region);
                self.fail(
                    &job,
                    CallError::new(
                        CallStatus::Failed,
                        "",
                        format!("the item has no value for {missing}"),
                    ),
                );
            }
        }
    }

    fn push(&mut self, job: Job, not_before: Option<Instant>) {
        self.progress.ahead += 1;
        let key = (job.region.clone(), job.service);
        let lane = *self.lane_of.entry(key).or_insert_with(|| {
            let rate = if self.source.paced() {
                self.table.services[job.service].rate
            } else {
                f64::from(u32::MAX)
            };
            self.lanes.push(Lane {
                queue: VecDeque::new(),
                later: Vec::new(),
                bucket: TokenBucket::new(rate, SERVICE_BURST_SECONDS, Instant::now()),
            });
            self.lanes.len() - 1
        });
        match not_before {
            Some(time) => self.lanes[lane].later.push((time, job)),
            None => self.lanes[lane].queue.push_back(job),
        }
    }

    async fn run(&mut self, progress: &dyn Fn(Progress)) {
        let source = self.source;
        let mut running = FuturesUnordered::new();
        loop {
            let now = Instant::now();
            while running.len() < self.plan.in_flight {
                let Some(job) = self.next(now) else { break };
                running.push(attempt(self.table, source, job));
            }
            let wake = self.wake_at(now);
            if running.is_empty() && wake.is_none() {
                if self.push_deferred() {
                    continue;
                }
                let left = source.left();
                if left.is_empty() {
                    return;
                }
                for (service, call, region, params) in left {
                    self.push_left(service, call, region, params);
                }
                continue;
            }
            // With all slots in use there is nothing to wake up for.
            let wake = wake.filter(|_| running.len() < self.plan.in_flight);
            let sleep = async {
                match wake {
                    Some(time) => tokio::time::sleep_until(time.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some((job, result)) = running.next(), if !running.is_empty() => {
                    self.done(job, result);
                }
                () = sleep => {}
            }
            progress(self.progress);
        }
    }

    /// Adds jobs for some of the calls that waited for all others, unless a fact makes them
    /// needless. Whether there was any.
    fn push_deferred(&mut self) -> bool {
        let waiting = std::mem::take(&mut self.deferred);
        if !waiting.is_empty() {
            let needed = self.without_needless(waiting);
            self.needed.extend(needed);
        }
        let count = self.needed.len().min(DEFERRED_CALLS_AT_ONCE);
        let now: Vec<DeferredCall> = self.needed.drain(..count).collect();
        for deferred in now {
            let DeferredCall {
                service,
                call,
                label,
                region,
                scope,
            } = deferred;
            self.push_call(service, call, label, region, scope);
        }
        count > 0
    }

    /// Calls that no fact makes needless.
    fn without_needless(&self, calls: Vec<DeferredCall>) -> Vec<DeferredCall> {
        let unless = |d: &DeferredCall| &self.table.services[d.service].calls[d.call].unless;
        let kinds: BTreeSet<&str> = calls
            .iter()
            .flat_map(|d| unless(d).iter().map(|c| c.kind.as_str()))
            .collect();
        let mut facts: HashMap<(&str, &str), Vec<Value>> = HashMap::new();
        for fact in self.facts.iter().filter(|f| kinds.contains(&*f.kind)) {
            let document = serde_json::from_slice(&fact.document).unwrap_or(Value::Null);
            facts
                .entry((&fact.kind, &fact.id))
                .or_default()
                .push(document);
        }
        let says = |condition: &FactCondition, scope: &TemplateScope| {
            let id = scope.fill_id(&condition.id);
            let documents = facts.get(&(condition.kind.as_str(), id.as_str()));
            documents
                .into_iter()
                .flatten()
                .any(|document| has(document, &condition.path, &condition.is))
        };
        let is_needed = |d: &DeferredCall| !unless(d).iter().any(|c| says(c, &d.scope));
        calls.into_iter().filter(is_needed).collect()
    }

    /// Adds jobs for responses in the source that no other response led to.
    fn push_left(
        &mut self,
        service: usize,
        call: usize,
        region: String,
        params: Map<String, Value>,
    ) {
        let global = self.table.services[service].scope == ServiceScope::Global;
        let label = if global {
            GLOBAL.to_owned()
        } else {
            region.clone()
        };
        let scope = TemplateScope::default().within(serde_json::json!({
            "account": self.plan.account,
            "region": region,
            "home": self.plan.home,
        }));
        self.rows.entry((label.clone(), service, call)).or_default();
        self.push(
            Job {
                service,
                call,
                label,
                region,
                scope,
                params,
                token: None,
                pages: 0,
                attempts: 0,
                waits: 0,
                gathered: Vec::new(),
            },
            None,
        );
    }

    /// Next job that may start now, from the lanes in turn.
    fn next(&mut self, now: Instant) -> Option<Job> {
        if self.whole.as_ref().is_some_and(|b| b.ready_at(now) > now) {
            return None;
        }
        for step in 0..self.lanes.len() {
            let index = (self.turn + step) % self.lanes.len();
            let lane = &mut self.lanes[index];
            if let Some(at) = lane.later.iter().position(|(time, _)| *time <= now) {
                let (_, job) = lane.later.swap_remove(at);
                lane.queue.push_front(job);
            }
            if !lane.queue.is_empty() && lane.bucket.take(now) {
                self.turn = index + 1;
                if let Some(whole) = &mut self.whole {
                    whole.take(now);
                }
                return lane.queue.pop_front();
            }
        }
        None
    }

    /// Time at which a waiting job may start.
    fn wake_at(&self, now: Instant) -> Option<Instant> {
        let lanes = self.lanes.iter().filter_map(|lane| {
            let queued = (!lane.queue.is_empty()).then(|| lane.bucket.ready_at(now));
            lane.later.iter().map(|(time, _)| *time).chain(queued).min()
        });
        let first = lanes.min()?;
        Some(
            self.whole
                .as_ref()
                .map_or(first, |b| first.max(b.ready_at(now))),
        )
    }

    fn done(&mut self, job: Job, result: Result<Answer, CallError>) {
        self.progress.done += 1;
        self.progress.ahead -= 1;
        let lane = self.lane_of[&(job.region.clone(), job.service)];
        let call = &self.table.services[job.service].calls[job.call];
        match result {
            Ok(answer) => {
                self.lanes[lane].bucket.answered();
                self.answered(job, answer);
            }
            Err(e) if call.absent.contains(&e.code) => {
                self.lanes[lane].bucket.answered();
                self.row(&job).answers += 1;
                for fact in call.facts.iter().filter(|f| f.each.is_none()) {
                    let id = job.scope.within_params(&job.params).fill_id(&fact.id);
                    self.facts
                        .push(Fact::absent(&fact.kind, id, &e.code, self.seen(&job)));
                }
            }
            Err(e) => {
                let now = Instant::now();
                let attempts = job.attempts + 1;
                let again = match e.retry {
                    Retry::No => false,
                    Retry::Slower => attempts < ATTEMPTS_MAX,
                    Retry::Again => attempts < ATTEMPTS_TEMPORARY_MAX,
                    Retry::Refreshed => attempts < 2,
                };
                if e.retry == Retry::Slower {
                    self.progress.throttled += 1;
                    self.lanes[lane].bucket.slower(now);
                }
                if again {
                    // 0.2 s, 0.4 s, 0.8 s …: the bucket adds its own wait.
                    let pause = Duration::from_millis(100 << attempts);
                    self.push(Job { attempts, ..job }, Some(now + pause));
                } else {
                    self.fail(&job, e);
                }
            }
        }
    }

    fn answered(&mut self, job: Job, answer: Answer) {
        let (service, call) = (
            &self.table.services[job.service],
            &self.table.services[job.service].calls[job.call],
        );
        self.row(&job).answers += 1;
        for field in answer.new_fields {
            self.new_fields
                .insert((format!("{}:{}", service.name, call.operation), field));
        }
        let mut value = answer.value;
        if let Some(wait) = &call.wait
            && at(&value, &wait.path)
                .and_then(Value::as_str)
                .is_some_and(|state| state != wait.until)
        {
            if job.waits + 1 >= wait.tries_max {
                return self.fail(
                    &job,
                    CallError::new(
                        CallStatus::Failed,
                        "",
                        format!("not ready after {} attempts", wait.tries_max),
                    ),
                );
            }
            let time = Instant::now() + Duration::from_secs(wait.seconds);
            return self.push(
                Job {
                    waits: job.waits + 1,
                    ..job
                },
                Some(time),
            );
        }
        if let Some(member) = &call.csv {
            match csv(at(&value, member)) {
                Some(rows) => value[member] = rows,
                None => {
                    return self.fail(
                        &job,
                        CallError::new(
                            CallStatus::Failed,
                            "",
                            format!("{member} is not a base64 CSV"),
                        ),
                    );
                }
            }
        }
        let scope = job.scope.within_params(&job.params);
        for fact in &call.facts {
            self.extract(&job, fact, &scope, &value);
        }
        if let Some(sample) = &call.sample {
            return self.take_sample(job, sample, value);
        }
        self.follow(&job, &scope, &value);
        if let Some(why) = answer.incomplete {
            self.fail(&job, CallError::new(CallStatus::Cut, "", why));
        }
        self.turn_page(job, &value);
    }

    /// Gathers the items of some pages, then follows the newest of them. What is left out is
    /// reported.
    fn take_sample(&mut self, mut job: Job, sample: &ItemSample, mut value: Value) {
        if let Some(Value::Array(items)) = value.get_mut(&sample.of).map(Value::take) {
            job.gathered.extend(items);
        }
        let more = self.next_page(&job, &value).is_some();
        if more && self.source.pages() && job.pages + 1 < sample.pages_max {
            return self.turn_page(job, &value);
        }
        let mut items = std::mem::take(&mut job.gathered);
        let listed = items.len();
        items.sort_by_cached_key(|item| {
            let time = at(item, &sample.newest).map(Value::to_string);
            (std::cmp::Reverse(time), item.to_string())
        });
        items.truncate(sample.items_max);
        let taken = items.len();
        value[&sample.of] = items.into();
        let scope = job.scope.within_params(&job.params);
        self.follow(&job, &scope, &value);
        if more || taken < listed {
            let of = if more { "more than " } else { "" };
            let why = format!("the newest {taken} of {of}{listed} were looked at");
            self.fail(&job, CallError::new(CallStatus::Cut, "", why));
        }
    }

    /// Parameter for the token of the next page, and the token, if there is a next page.
    fn next_page(&self, job: &Job, value: &Value) -> Option<(String, String)> {
        let (input, output) = self.page_of(job)?;
        let token = at(value, &output)?;
        let token = token
            .as_str()
            .map_or_else(|| token.to_string(), str::to_owned);
        (!token.is_empty()).then_some((input, token))
    }

    fn turn_page(&mut self, job: Job, value: &Value) {
        let Some((input, token)) = self.next_page(&job, value) else {
            return;
        };
        if !self.source.pages() {
            return self.fail(
                &job,
                CallError::new(
                    CallStatus::Cut,
                    "",
                    format!("the dump stops after one page: it has a {input}"),
                ),
            );
        }
        if job.token.as_ref() == Some(&token) || job.pages >= PAGES_MAX {
            return self.fail(
                &job,
                CallError::new(CallStatus::Failed, "", "the pages do not end"),
            );
        }
        let mut params = job.params.clone();
        params.insert(input, Value::String(token.clone()));
        self.push(
            Job {
                params,
                token: Some(token),
                pages: job.pages + 1,
                attempts: 0,
                ..job
            },
            None,
        );
    }

    fn page_of(&self, job: &Job) -> Option<(String, String)> {
        let service = &self.table.services[job.service];
        let call = &service.calls[job.call];
        match &call.page {
            Some(page) => Some((page.input.clone(), page.output.clone())),
            None => self
                .model
                .operation(&service.name, &call.operation)?
                .1
                .page
                .clone(),
        }
    }

    /// Adds jobs for the calls made per item of this response.
    fn follow(&mut self, job: &Job, scope: &TemplateScope, value: &Value) {
        let service = &self.table.services[job.service];
        if let Some(path) = &service.calls[job.call].again {
            for item in scope.each(value, path) {
                self.push_call(
                    job.service,
                    job.call,
                    job.label.clone(),
                    job.region.clone(),
                    item,
                );
            }
        }
        for child in service.children(job.call) {
            let row = &service.calls[child];
            let Some((_, path)) = row.parent() else {
                continue;
            };
            for item in scope
                .each(value, path)
                .into_iter()
                .filter(|item| item.meets(&row.when))
                .filter(|item| row.when_not.is_empty() || !item.meets(&row.when_not))
            {
                let count = self
                    .children
                    .entry((job.label.clone(), job.service, child))
                    .or_default();
                *count += 1;
                if row.items_max.is_some_and(|max| *count > max) {
                    let job = Job {
                        call: child,
                        scope: item.clone(),
                        params: item.fill_params(&row.with).unwrap_or_default(),
                        ..job.clone()
                    };
                    let max = row.items_max.unwrap_or_default();
                    self.fail(
                        &job,
                        CallError::new(CallStatus::Cut, "", format!("more than {max} items")),
                    );
                } else if row.unless.is_empty() {
                    self.push_call(
                        job.service,
                        child,
                        job.label.clone(),
                        job.region.clone(),
                        item,
                    );
                } else {
                    self.deferred.push(DeferredCall {
                        service: job.service,
                        call: child,
                        label: job.label.clone(),
                        region: job.region.clone(),
                        scope: item,
                    });
                }
            }
        }
    }

    fn extract(&mut self, job: &Job, row: &FactRow, scope: &TemplateScope, value: &Value) {
        let seen = self.seen(job);
        let items = match &row.each {
            Some(path) => scope.each(value, path),
            None => vec![scope.within(value.clone())],
        };
        for item in items {
            let Some(inner) = item.innermost().filter(|_| item.meets(&row.when)) else {
                continue;
            };
            let id = item.fill_id(&row.id);
            let document = match &row.document {
                Some(path) => at(inner, path).filter(|v| *v != &Value::String(String::new())),
                None => Some(inner),
            };
            let fact = match (document, &row.absent_as) {
                (Some(document), _) if row.policy => {
                    Fact::from_policy(self.kinds, &row.kind, id, &policy_text(document), seen)
                }
                (Some(document), _) => {
                    let mut document = document.clone();
                    if let Value::Object(map) = &mut document {
                        row.drop
                            .iter()
                            .for_each(|member| drop(map.shift_remove(member)));
                        if row.each.is_none()
                            && let Some((_, output)) = self.page_of(job)
                        {
                            map.shift_remove(&output);
                        }
                    }
                    Fact::from_json(self.kinds, &row.kind, id, document, seen)
                }
                (None, Some(code)) => Fact::absent(&row.kind, id, code, seen),
                (None, None) => continue,
            };
            self.facts.push(fact);
        }
    }

    fn seen<'j>(&self, job: &'j Job) -> FactSource<'j>
    where
        'a: 'j,
    {
        FactSource {
            account: self.plan.account,
            region: &job.label,
            time_ms: self.source.now_ms(),
        }
    }

    fn row(&mut self, job: &Job) -> &mut CoverageRow {
        self.rows
            .entry((job.label.clone(), job.service, job.call))
            .or_default()
    }

    /// Records a failure for the call and for all calls that depend on it.
    fn fail(&mut self, job: &Job, error: CallError) {
        let service = &self.table.services[job.service];
        let by_item = service.calls[job.call].parent().is_some() && !error.whole;
        let mut todo = vec![(
            job.call,
            job.scope.within_params(&job.params),
            error.status,
            error.detail,
        )];
        while let Some((call, scope, status, detail)) = todo.pop() {
            let row = &service.calls[call];
            let prefixes: BTreeSet<String> =
                row.facts.iter().map(|f| scope.fill_known(&f.id)).collect();
            let whole = !by_item || prefixes.contains("");
            let entry = self
                .rows
                .entry((job.label.clone(), job.service, call))
                .or_default();
            entry.unread.extend(prefixes);
            entry.whole |= whole || entry.unread.len() > COVERAGE_ITEMS_MAX;
            let failure = (status, detail);
            entry.failed = Some(
                entry
                    .failed
                    .take()
                    .map_or(failure.clone(), |known| known.min(failure)),
            );
            for child in service.children(call) {
                // Parameters of the child call that are known without the missing response.
                let known = |v: &Value| v.as_str().is_some_and(|t| t.starts_with("{$"));
                let with: Map<String, Value> = service.calls[child]
                    .with
                    .iter()
                    .filter(|(_, v)| known(v))
                    .map(|(k, v)| (k.clone(), v.clone()))
                    .collect();
                let params = scope.fill_params(&with).unwrap_or_default();
                todo.push((
                    child,
                    scope.within_params(&params),
                    CallStatus::NotCalled,
                    format!("{} {}", row.name(), error.status),
                ));
            }
        }
    }

    fn coverage(&mut self) -> Vec<Coverage> {
        let mut out: Vec<Coverage> = Vec::new();
        for ((label, s, c), row) in std::mem::take(&mut self.rows) {
            let (service, call) = (&self.table.services[s], &self.table.services[s].calls[c]);
            let (status, detail) = row.failed.unwrap_or((CallStatus::Ok, String::new()));
            let mut kinds: Vec<String> = call.facts.iter().map(|f| f.kind.clone()).collect();
            kinds.dedup();
            let unread = if row.whole || status == CallStatus::Ok {
                Vec::new()
            } else {
                row.unread.into_iter().collect()
            };
            out.push(Coverage {
                region: label,
                call: format!("{}:{}", service.name, call.name()),
                status,
                answers: row.answers,
                kinds,
                detail,
                unread,
            });
        }
        for region in &self.plan.regions_off {
            out.push(Coverage {
                region: region.clone(),
                call: "*".to_owned(),
                status: CallStatus::RegionOff,
                answers: 0,
                kinds: vec!["*".to_owned()],
                detail: "not enabled for this account".to_owned(),
                unread: Vec::new(),
            });
        }
        out
    }
}

async fn attempt(
    table: &CallTable,
    source: &dyn CallSource,
    job: Job,
) -> (Job, Result<Answer, CallError>) {
    let service = &table.services[job.service];
    let call = &service.calls[job.call];
    let ask = Ask {
        service,
        call,
        region: job.region.clone(),
        params: job.params.clone(),
        scope: job.scope.clone(),
    };
    let result = source.ask(&ask).await;
    drop(ask);
    (job, result)
}

/// Region of a bucket. S3 returns nothing for us-east-1 and, for the oldest buckets, `EU` for
/// eu-west-1 (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html>).
fn bucket_region(location: Option<String>) -> String {
    match location.as_deref() {
        None | Some("") => "us-east-1".to_owned(),
        Some("EU") => "eu-west-1".to_owned(),
        Some(region) => region.to_owned(),
    }
}

/// Text of a policy. Only IAM sends policies percent-encoded (RFC 3986); the CLI prints some as
/// objects.
fn policy_text(document: &Value) -> String {
    match document {
        Value::String(text) if text.starts_with('%') => percent_encoding::percent_decode_str(text)
            .decode_utf8_lossy()
            .into_owned(),
        // API Gateway sends a policy with every quotation mark escaped once more.
        Value::String(text) if text.starts_with("{\\") => {
            serde_json::from_str(&format!("\"{text}\"")).unwrap_or_else(|_| text.clone())
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Base64-encoded CSV with a header line, as a list of objects. AWS's credential report has no
/// quoted fields.
fn csv(content: Option<&Value>) -> Option<Value> {
    let text = content?.as_str()?;
    let text = BASE64_STANDARD
        .decode(text)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .or_else(|| text.contains(',').then(|| text.to_owned()))?;
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next()?.split(',').collect();
    let row = |line: &str| -> Value {
        names
            .iter()
            .zip(line.split(','))
            .map(|(n, v)| ((*n).to_owned(), Value::from(v)))
            .collect::<Map<_, _>>()
            .into()
    };
    Some(lines.filter(|l| !l.is_empty()).map(row).collect())
}
