//! Dump: a folder of AWS CLI output or AWS Config items, as a source of responses.
//!
//! `account/region/service-operation.json` for independent calls, `service-operation/PARAMETER` for
//! calls made per item. It is collected by the same engine as a live account, so it gives the same
//! facts, and anything missing from the folder is a gap in coverage, not a deletion.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use bartizan_inventory::snapshot::{CallStatus, NOT_IN_DUMP};
use bartizan_model::encoding::decode;
use bartizan_model::limits::{DUMP_FILE_BYTES_MAX, DUMP_FILES_MAX};
use futures::future::{FutureExt, LocalBoxFuture};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::client::{Answer, CallError};
use crate::collect::{Ask, CallSource};
use crate::decode::normalise;
use crate::model::{Model, ModelShape};
use crate::table::{CallTable, ServiceScope};
use crate::template::{at, params_of};

/// Region of responses whose folder does not name one.
pub const REGION_UNKNOWN: &str = "unknown-region";

/// Responses found below a path.
#[derive(Debug)]
pub struct Dump {
    /// Account ids with their responses.
    pub accounts: Vec<(String, DumpedAnswers)>,
    /// Files that are not a response to any call in the table, with a guess at their content.
    pub unrecognised: Vec<String>,
    /// Files with invalid JSON, with the position of the error.
    pub broken: Vec<String>,
}

/// Responses of one account.
#[derive(Debug)]
pub struct DumpedAnswers {
    files: Vec<File>,
    /// Indices into `files` by service and operation.
    by_call: HashMap<(usize, String), Vec<usize>>,
    table: CallTable,
    model: std::sync::Arc<Model>,
    used: RefCell<BTreeSet<usize>>,
    offered: RefCell<BTreeSet<usize>>,
    time_ms: i64,
}

#[derive(Debug)]
struct File {
    path: String,
    service: usize,
    operation: String,
    region: String,
    param: Option<String>,
    value: Value,
    /// From AWS Config: lists what was recorded, not everything that exists.
    partial: bool,
}

/// Error in importing a path.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// Missing, or permission denied.
    #[error("cannot read {0}: {1}")]
    Read(String, std::io::Error),
    /// No file in it is a response.
    #[error(
        "{place}: {found}; expected account/region/service-operation.json as the AWS CLI prints \
        it, or AWS Config items"
    )]
    Nothing {
        place: String,
        /// Content found instead.
        found: String,
    },
    /// The account of the responses is unknown.
    #[error(
        "{0}: cannot tell the account: add sts-get-caller-identity.json, or name the folder after \
        the account id"
    )]
    Account(String),
}

impl Dump {
    /// Reads all responses below `path`, a folder or a single file. `region` applies to responses
    /// outside of any region's folder.
    ///
    /// # Errors
    /// If there is nothing to read, or no response in it.
    pub fn read(
        model: &std::sync::Arc<Model>,
        table: &CallTable,
        path: &Path,
        region: Option<&str>,
        time_ms: i64,
    ) -> Result<Self, DumpError> {
        let mut reader = DumpReader {
            model,
            table,
            region: region.unwrap_or(REGION_UNKNOWN).to_owned(),
            names: CallFileNames::of(table),
            groups: BTreeMap::new(),
            items: BTreeMap::new(),
            unrecognised: vec![],
            broken: vec![],
        };
        let single = path.is_file();
        let (files, closed) = files_below(path)?;
        reader.broken.extend(closed);
        for file in files {
            reader.file(path, &file, single);
        }
        reader.finish(path, time_ms)
    }
}

struct DumpReader<'a> {
    model: &'a std::sync::Arc<Model>,
    table: &'a CallTable,
    /// Region of responses outside of any region's folder.
    region: String,
    names: CallFileNames,
    /// By account folder.
    groups: BTreeMap<String, AnswerGroup>,
    /// Responses assembled from AWS Config items, by account, region and call.
    items: BTreeMap<(String, String, usize, String, Option<String>), Value>,
    unrecognised: Vec<String>,
    broken: Vec<String>,
}

#[derive(Default)]
struct AnswerGroup {
    files: Vec<File>,
    account: Option<String>,
    /// Account ids seen in ARNs.
    seen: BTreeMap<String, usize>,
}

impl DumpReader<'_> {
    /// Reads a file. An unreadable file is reported and does not fail the import.
    fn file(&mut self, root: &Path, file: &Path, single: bool) {
        let shown = file
            .strip_prefix(root)
            .unwrap_or(file)
            .display()
            .to_string();
        let shown = if shown.is_empty() {
            file.display().to_string()
        } else {
            shown
        };
        match std::fs::metadata(file) {
            Ok(about) if about.len() <= DUMP_FILE_BYTES_MAX as u64 => {}
            Ok(_) => {
                return self.broken.push(format!(
                    "{shown}: larger than {} MB",
                    DUMP_FILE_BYTES_MAX >> 20
                ));
            }
            Err(e) => return self.broken.push(format!("{shown}: {e}")),
        }
        let place = DumpedFile::of(self.model, root, file, single);
        let named = self
            .names
            .find(self.model, &place.stem, place.folder.as_deref());
        let known_by_name = named.is_some() || place.stem == "sts-get-caller-identity";
        if !known_by_name && !place.json {
            return self.unrecognised.push(shown);
        }
        let bytes = match std::fs::read(file)
            .map_err(|e| e.to_string())
            .and_then(|text| decode(text).map_err(|e| e.to_string()))
        {
            Ok(text) => text.into_bytes(),
            Err(e) => return self.broken.push(format!("{shown}: {e}")),
        };
        let value: Value = match serde_json::from_slice(&bytes).map_err(|e| (e, refusal(&bytes))) {
            Ok(value) => value,
            Err((_, Some(refusal))) => refusal,
            Err((e, None)) => return self.broken.push(format!("{shown}: {e}")),
        };
        if place.stem == "sts-get-caller-identity" {
            self.groups.entry(place.group).or_default().account =
                value["Account"].as_str().map(str::to_owned);
            return;
        }
        if named.is_none() && self.config_items(&shown, &value) {
            return;
        }
        let by_content = || {
            let name = place.folder.as_deref().unwrap_or(&place.stem);
            (!is_call(self.model, name)).then(|| self.by_content(&value))?
        };
        let Some((service, operation)) = named.or_else(by_content) else {
            return self.unrecognised.push(shown);
        };
        let group = self.groups.entry(place.group).or_default();
        count_accounts(&bytes, &mut group.seen);
        if let Some(id) = place.account {
            group.account.get_or_insert(id);
        }
        let region = place.region.unwrap_or_else(|| self.region.clone());
        group.files.push(File {
            path: shown,
            service,
            operation,
            region,
            param: place.param,
            value,
            partial: false,
        });
    }

    /// Call of a file with another name, if the members of its JSON occur in that call's response
    /// only.
    fn by_content(&self, value: &Value) -> Option<(usize, String)> {
        let keys: Vec<&String> = value
            .as_object()?
            .keys()
            .filter(|k| *k != "NextToken" && *k != "ResponseMetadata")
            .collect();
        if keys.is_empty() {
            return None;
        }
        let mut found = None;
        for (index, service) in self.table.services.iter().enumerate() {
            for call in service
                .calls
                .iter()
                .filter(|c| c.name() == c.operation && c.parent().is_none())
            {
                let (model, operation) = self.model.operation(&service.name, &call.operation)?;
                let Some(ModelShape::Structure { members, .. }) =
                    operation.output.as_deref().and_then(|o| model.shape(o))
                else {
                    continue;
                };
                if keys.iter().all(|k| members.contains_key(*k)) {
                    if found.is_some() {
                        return None;
                    }
                    found = Some((index, call.operation.clone()));
                }
            }
        }
        found
    }

    /// Reads AWS Config items: a single one, a list, or a configuration snapshot.
    fn config_items(&mut self, shown: &str, value: &Value) -> bool {
        let list: Vec<&Value> = match value {
            Value::Array(list) => list.iter().collect(),
            Value::Object(map) => match map.get("configurationItems").and_then(Value::as_array) {
                Some(list) => list.iter().collect(),
                None => vec![value],
            },
            _ => return false,
        };
        let is_item = |v: &&Value| {
            v.get("resourceType").is_some_and(Value::is_string) && v.get("configuration").is_some()
        };
        if list.is_empty() || !list.iter().all(is_item) {
            return false;
        }
        for item in list {
            if let Err(why) = self.config_item(item) {
                self.unrecognised.push(format!("{shown}: {why}"));
            }
        }
        true
    }

    fn config_item(&mut self, item: &Value) -> Result<(), String> {
        let kind = item["resourceType"].as_str().unwrap_or_default();
        let row = config_type(kind).ok_or_else(|| format!("{kind} is not in the call table"))?;
        let account = item["accountId"]
            .as_str()
            .or(item["awsAccountId"].as_str())
            .ok_or("no account id")?
            .to_owned();
        let region = item["awsRegion"].as_str().unwrap_or("global").to_owned();
        let item = &parse_embedded(item.clone());
        let configuration = at(item, row.from.as_deref().unwrap_or("configuration"))
            .cloned()
            .unwrap_or(Value::Null);
        let configuration = renamed(configuration, &row.rename);
        if configuration.is_null() {
            return Err(format!("{kind} without a configuration (deleted?)"));
        }
        let (service, operation) = self.call_of(&row.call)?;
        let param = row
            .param
            .as_ref()
            .map(|path| text_at(item, path).ok_or_else(|| format!("{kind} has no {path}")))
            .transpose()?;
        let key = (account.clone(), region.clone(), service, operation, param);
        if let Some(path) = &row.at {
            push_at(
                self.items
                    .entry(key)
                    .or_insert_with(|| Value::Object(Map::new())),
                path,
                configuration,
            );
        } else {
            self.items
                .insert(key, as_member(row.member.as_deref(), configuration));
        }
        for also in &row.also {
            if let (Some(value), Some(param)) = (at(item, &also.from), text_at(item, &also.param)) {
                let (service, operation) = self.call_of(&also.call)?;
                let key = (
                    account.clone(),
                    region.clone(),
                    service,
                    operation,
                    Some(param),
                );
                self.items
                    .insert(key, as_member(Some(&also.member), value.clone()));
            }
        }
        Ok(())
    }

    fn call_of(&self, call: &str) -> Result<(usize, String), String> {
        let (service, operation) = call.split_once(' ').unwrap_or((call, ""));
        let index = self
            .table
            .services
            .iter()
            .position(|s| s.name == service)
            .ok_or_else(|| format!("no service {service}"))?;
        Ok((index, operation.to_owned()))
    }

    fn finish(mut self, path: &Path, time_ms: i64) -> Result<Dump, DumpError> {
        for ((account, region, service, operation, param), value) in std::mem::take(&mut self.items)
        {
            let group = self.groups.entry(format!("config {account}")).or_default();
            group.account = Some(account);
            let shown = format!("AWS Config, {operation}");
            group.files.push(File {
                path: shown,
                service,
                operation,
                region,
                param,
                value,
                partial: true,
            });
        }
        self.groups.retain(|_, group| !group.files.is_empty());
        if self.groups.is_empty() {
            let found = match (self.broken.first(), self.unrecognised.len()) {
                // Where the place is the file itself, its name once is enough.
                (Some(broken), _) => broken
                    .strip_prefix(&format!("{}: ", path.display()))
                    .unwrap_or(broken)
                    .to_owned(),
                (None, 0) => "nothing in it".to_owned(),
                (None, n) => format!("none of its {n} files is an answer that Bartizan knows"),
            };
            return Err(DumpError::Nothing {
                place: path.display().to_string(),
                found,
            });
        }
        let mut accounts: BTreeMap<String, Vec<File>> = BTreeMap::new();
        for (name, group) in self.groups {
            let most = group
                .seen
                .iter()
                .max_by_key(|(id, n)| (**n, std::cmp::Reverse((*id).clone())))
                .map(|(id, _)| id.clone());
            let shown = if name.is_empty() {
                path.display().to_string()
            } else {
                name
            };
            let account = group.account.or(most).ok_or(DumpError::Account(shown))?;
            accounts.entry(account).or_default().extend(group.files);
        }
        let answers = |files: Vec<File>| {
            let mut by_call: HashMap<(usize, String), Vec<usize>> = HashMap::new();
            for (index, file) in files.iter().enumerate() {
                by_call
                    .entry((file.service, file.operation.clone()))
                    .or_default()
                    .push(index);
            }
            DumpedAnswers {
                files,
                by_call,
                table: self.table.clone(),
                model: self.model.clone(),
                used: RefCell::default(),
                offered: RefCell::default(),
                time_ms,
            }
        };
        let accounts = accounts
            .into_iter()
            .map(|(id, files)| (id, answers(files)))
            .collect();
        self.unrecognised.sort();
        self.broken.sort();
        Ok(Dump {
            accounts,
            unrecognised: self.unrecognised,
            broken: self.broken,
        })
    }
}

impl DumpedAnswers {
    /// Regions that the responses mention.
    #[must_use]
    pub fn regions(&self) -> Vec<String> {
        let everywhere = |f: &&File| {
            let service = &self.table.services[f.service];
            let one_place = service
                .call(&f.operation)
                .is_some_and(|c| !service.calls[c].regions.is_empty());
            service.scope == ServiceScope::Regional && !one_place
        };
        let regional = self.files.iter().filter(everywhere);
        let regions: BTreeSet<String> = regional
            .map(|f| f.region.clone())
            .filter(|r| r != "global")
            .collect();
        regions.into_iter().collect()
    }

    /// Files that were recognized but used by no call.
    #[must_use]
    pub fn unused(&self) -> Vec<String> {
        let used = self.used.borrow();
        self.files
            .iter()
            .enumerate()
            .filter(|(i, _)| !used.contains(i))
            .map(|(_, f)| f.path.clone())
            .collect()
    }

    fn find(&self, ask: &Ask<'_>) -> Result<usize, CallError> {
        let service = self
            .table
            .services
            .iter()
            .position(|s| s.name == ask.service.name)
            .unwrap_or_default();
        let anywhere = ask.service.scope == ServiceScope::Global
            || !ask.call.regions.is_empty()
            || ask.call.region.is_some();
        let files = |name: &str| -> Vec<usize> {
            let files = self
                .by_call
                .get(&(service, name.to_owned()))
                .into_iter()
                .flatten()
                .copied();
            files
                .filter(|i| anywhere || self.files[*i].region == ask.region)
                .collect()
        };
        let candidates = files(ask.call.name());
        let missing = |whole| CallError {
            whole,
            ..CallError::new(CallStatus::Cut, "", NOT_IN_DUMP)
        };
        if param_name(ask.call).is_none() {
            let own = candidates
                .iter()
                .copied()
                .filter(|i| self.files[*i].param.is_none());
            return own
                .min_by_key(|i| {
                    (
                        self.files[*i].region != "us-east-1",
                        self.files[*i].region.clone(),
                    )
                })
                .ok_or(missing(true));
        }
        let wanted = wanted(ask);
        let hit = candidates.iter().copied().find(|i| {
            self.files[*i]
                .param
                .as_ref()
                .is_some_and(|p| wanted.contains(p))
        });
        // A call with two variants has files with the same name; the item's id tells them apart, if
        // it is the only parameter.
        let by_id = || {
            let shared = if ask.call.name() == ask.call.operation {
                Vec::new()
            } else {
                files(&ask.call.operation)
            };
            let id = only_param(ask.call)
                .and_then(|name| ask.params.get(name))?
                .as_str()?;
            shared
                .into_iter()
                .find(|i| self.files[*i].param.as_deref() == Some(id))
        };
        // A call that takes a list of names may have been made for all of them at once.
        let for_all = || {
            let lists = ask.call.with.values().any(Value::is_array);
            let mut whole = candidates.iter().copied();
            whole.find(|i| lists && self.files[*i].param.is_none())
        };
        hit.or_else(by_id)
            .or_else(for_all)
            .ok_or_else(|| missing(candidates.is_empty()))
    }
}

impl CallSource for DumpedAnswers {
    fn ask<'a>(&'a self, ask: &'a Ask<'a>) -> LocalBoxFuture<'a, Result<Answer, CallError>> {
        let answer = self.find(ask).and_then(|index| {
            let file = &self.files[index];
            self.used.borrow_mut().insert(index);
            if let Some(error) = file
                .value
                .as_object()
                .filter(|m| m.len() == 1)
                .and_then(|m| m.get("Error"))
            {
                let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
                let code = text("Code");
                let denied = ["AccessDenied", "Unauthorized", "AuthorizationError"]
                    .iter()
                    .any(|word| code.contains(word));
                return Err(CallError::new(
                    if denied {
                        CallStatus::Denied
                    } else {
                        CallStatus::Failed
                    },
                    &code,
                    text("Message"),
                ));
            }
            let mut new_fields = BTreeSet::new();
            let value = match self.model.operation(&ask.service.name, &ask.call.operation) {
                Some((service, operation)) => {
                    normalise(service, operation, file.value.clone(), &mut new_fields)
                }
                None => file.value.clone(),
            };
            if file.partial {
                // AWS Config has members of its own; they say nothing of AWS's API.
                new_fields.clear();
            }
            let incomplete = file
                .partial
                .then(|| "AWS Config items: what is not among them is open".to_owned());
            Ok(Answer {
                value,
                new_fields,
                incomplete,
            })
        });
        futures::future::ready(answer).boxed_local()
    }

    fn now_ms(&self) -> i64 {
        self.time_ms
    }

    fn left(&self) -> Vec<(usize, usize, String, Map<String, Value>)> {
        let (used, mut offered) = (self.used.borrow(), self.offered.borrow_mut());
        let mut left = Vec::new();
        for (index, file) in self
            .files
            .iter()
            .enumerate()
            .filter(|(i, _)| !used.contains(i))
        {
            let service = &self.table.services[file.service];
            let Some(call) = service.call(&file.operation) else {
                continue;
            };
            let Some(params) = params_of_file(&service.calls[call], file.param.as_deref()) else {
                continue;
            };
            if offered.insert(index) {
                let region = if service.scope == ServiceScope::Global {
                    "global".to_owned()
                } else {
                    file.region.clone()
                };
                left.push((file.service, call, region, params));
            }
        }
        left
    }

    fn paced(&self) -> bool {
        false
    }

    fn pages(&self) -> bool {
        false
    }
}

/// Names that a file for this item may have: its parameter, or any name or id of the item.
fn wanted(ask: &Ask<'_>) -> BTreeSet<String> {
    let mut wanted: BTreeSet<String> = BTreeSet::new();
    if let Some(template) = &ask.call.file {
        let scope = ask.scope.within_params(&ask.params);
        wanted.extend(scope.fill(template));
        return wanted;
    }
    let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    if let Some(value) = param_name(ask.call).and_then(|name| ask.params.get(name)) {
        wanted.insert(text(value.get(0).unwrap_or(value)));
    }
    if let Some(Value::Object(item)) = ask.scope.innermost() {
        wanted.extend(
            item.iter()
                .filter(|(k, _)| *k != "account" && *k != "region" && *k != "home")
                .filter_map(|(_, v)| v.as_str().map(str::to_owned)),
        );
    }
    wanted
}

/// Parameters of the call that gave a file; `None` if its name does not tell.
fn params_of_file(
    call: &crate::table::CallEntry,
    param: Option<&str>,
) -> Option<Map<String, Value>> {
    if let (Some(template), Some(param)) = (&call.file, param) {
        return params_of(template, param);
    }
    match (param_name(call), param) {
        (Some(name), Some(param)) => {
            let value = Value::String(param.to_owned());
            let value = match call.with.get(name) {
                Some(Value::Array(_)) => Value::Array(vec![value]),
                _ => value,
            };
            Some(Map::from_iter([(name.to_owned(), value)]))
        }
        (Some(name), None) if call.with.get(name).is_some_and(Value::is_array) => Some(Map::new()),
        (None, None) => Some(Map::new()),
        _ => None,
    }
}

/// Parameter that identifies the item of a call: the last one filled by a template, or a list of
/// one template, except the account id.
fn param_name(call: &crate::table::CallEntry) -> Option<&str> {
    let mut filled = call.with.iter().filter(|(_, v)| {
        v.get(0)
            .unwrap_or(v)
            .as_str()
            .is_some_and(|t| t.starts_with('{') && t != "{account}")
    });
    filled.next_back().map(|(name, _)| name.as_str())
}

/// Parameter that identifies the item, if no other one is filled.
fn only_param(call: &crate::table::CallEntry) -> Option<&str> {
    let filled = call
        .with
        .values()
        .filter(|v| v.as_str().is_some_and(|t| t.starts_with('{')))
        .count();
    param_name(call).filter(|_| filled == 1)
}

/// File of a dump, with the parts of its path.
struct DumpedFile {
    /// Folder of the account, relative to the root.
    group: String,
    /// Account id, if a folder is named after it.
    account: Option<String>,
    region: Option<String>,
    /// File or folder name of the call.
    stem: String,
    /// For a file of one item: folder name of the call.
    folder: Option<String>,
    param: Option<String>,
    json: bool,
}

impl DumpedFile {
    fn of(model: &Model, root: &Path, file: &Path, single: bool) -> Self {
        let relative = file.strip_prefix(root).unwrap_or(file);
        let mut parts: Vec<String> = relative
            .parent()
            .into_iter()
            .flat_map(Path::components)
            .map(|c| c.as_os_str().to_string_lossy().into_owned())
            .collect();
        let name = file
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default();
        let json = name.ends_with(".json") || single;
        let stem = name.strip_suffix(".json").unwrap_or(&name).to_owned();
        let is_region = |part: &String| {
            ["aws", "aws-us-gov", "aws-cn"]
                .iter()
                .any(|p| model.partition(p).is_some_and(|p| p.regions.contains(part)))
                || part == "global"
        };
        let region_at = parts.iter().rposition(is_region);
        let below = region_at.map_or(parts.len(), |at| parts.len() - at - 1);
        let folder = match region_at {
            Some(_) if below > 0 => parts.pop(),
            None => parts.last().filter(|p| p.contains('-')).cloned(),
            _ => None,
        };
        let region = region_at.map(|at| parts[at].clone());
        let account_parts = &parts[..region_at.unwrap_or(parts.len())];
        let root_name = root
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default();
        let is_account = |p: &&String| p.len() == 12 && p.bytes().all(|b| b.is_ascii_digit());
        let account = account_parts
            .iter()
            .rev()
            .find(is_account)
            .cloned()
            .or_else(|| Some(root_name).filter(|n| is_account(&n)));
        let param = folder
            .is_some()
            .then(|| percent_decode_str(&stem).decode_utf8_lossy().into_owned());
        Self {
            group: account_parts.join("/"),
            account,
            region,
            stem,
            folder,
            param,
            json,
        }
    }
}

/// AWS CLI file names by call.
struct CallFileNames {
    full: HashMap<String, (usize, String)>,
    by_operation: HashMap<String, Vec<(usize, String)>>,
}

impl CallFileNames {
    fn of(table: &CallTable) -> Self {
        let mut names = Self {
            full: HashMap::new(),
            by_operation: HashMap::new(),
        };
        for (index, service) in table.services.iter().enumerate() {
            let aliases = match service.name.as_str() {
                "s3" => vec!["s3", "s3api"],
                "config" => vec!["config", "configservice"],
                // The same API under three names.
                "rds" => vec!["rds", "neptune", "docdb"],
                "opensearch" => vec!["opensearch", "es"],
                other => vec![other],
            };
            for call in &service.calls {
                let operation = kebab(call.name());
                for alias in &aliases {
                    names.full.insert(
                        format!("{alias}-{operation}"),
                        (index, call.name().to_owned()),
                    );
                }
                names
                    .by_operation
                    .entry(operation)
                    .or_default()
                    .push((index, call.name().to_owned()));
            }
        }
        names
    }

    /// Call of a file or its folder: `service-operation`, or `operation` if only one service has
    /// it, with any prefix (service names are often misspelled) but the name of another service.
    fn find(&self, model: &Model, stem: &str, folder: Option<&str>) -> Option<(usize, String)> {
        let one = |name: &str| {
            if let Some(found) = self.full.get(name) {
                return Some(found.clone());
            }
            let ends = |op: &&String| {
                name == op.as_str()
                    || name
                        .strip_suffix(op.as_str())
                        .and_then(|before| before.strip_suffix('-'))
                        .is_some_and(|prefix| !model.is_command(prefix))
            };
            let longest = self
                .by_operation
                .keys()
                .filter(ends)
                .max_by_key(|op| op.len())?;
            match self.by_operation[longest].as_slice() {
                [only] => Some(only.clone()),
                _ => None,
            }
        };
        match folder {
            Some(folder) => self.full.get(folder).cloned().or_else(|| one(folder)),
            None => one(stem),
        }
    }
}

/// Whether a file is named after a call of the AWS CLI: `apigateway-get-domain-names`.
fn is_call(model: &Model, name: &str) -> bool {
    let reads = ["get-", "list-", "describe-", "batch-get-", "lookup-"];
    name.match_indices('-').any(|(at, _)| {
        model.is_command(&name[..at]) && reads.iter().any(|verb| name[at + 1..].starts_with(verb))
    })
}

/// AWS CLI name of an operation: `describe-db-instances` for `DescribeDBInstances`.
fn kebab(operation: &str) -> String {
    let letters: Vec<char> = operation.chars().collect();
    let mut out = String::new();
    for (i, c) in letters.iter().enumerate() {
        let begins = c.is_uppercase()
            && i > 0
            && (!letters[i - 1].is_uppercase()
                || letters.get(i + 1).is_some_and(|n| n.is_lowercase()));
        if begins {
            out.push('-');
        }
        out.extend(c.to_lowercase());
    }
    out
}

/// Error printed by the AWS CLI (`An error occurred (NoSuchEntity) when calling …`), converted to
/// the form that AWS sends.
fn refusal(bytes: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (code, rest) = text.split_once("An error occurred (")?.1.split_once(')')?;
    let message = rest.split_once(": ").map_or("", |(_, m)| m.trim());
    Some(serde_json::json!({"Error": {"Code": code, "Message": message}}))
}

/// All files below a path, and folders that cannot be read.
fn files_below(path: &Path) -> Result<(Vec<PathBuf>, Vec<String>), DumpError> {
    let error = |path: &Path, e| DumpError::Read(path.display().to_string(), e);
    if std::fs::metadata(path)
        .map_err(|e| error(path, e))?
        .is_file()
    {
        return Ok((vec![path.to_owned()], Vec::new()));
    }
    let (mut files, mut folders, mut closed) = (Vec::new(), vec![path.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(e) if folder == path => return Err(error(path, e)),
            Err(e) => {
                closed.push(format!(
                    "{}: {e}",
                    folder.strip_prefix(path).unwrap_or(&folder).display()
                ));
                continue;
            }
        };
        for entry in entries {
            let entry = entry.map_err(|e| error(&folder, e))?;
            // Symbolic links are not followed: they could lead anywhere, or in a circle.
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() => files.push(entry.path()),
                _ => {}
            }
        }
        if files.len() + folders.len() > DUMP_FILES_MAX {
            return Err(error(
                path,
                std::io::Error::other(format!("more than {DUMP_FILES_MAX} files")),
            ));
        }
    }
    files.sort();
    closed.sort();
    Ok((files, closed))
}

/// Counts the account ids in ARNs: the most frequent one is the account's.
fn count_accounts(bytes: &[u8], seen: &mut BTreeMap<String, usize>) {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 << 20)]);
    for arn in text.split("\"arn:aws").skip(1) {
        let id = arn.split(':').nth(3).unwrap_or_default();
        if id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit()) {
            *seen.entry(id.to_owned()).or_default() += 1;
        }
    }
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct ConfigType {
    call: String,
    at: Option<String>,
    from: Option<String>,
    #[serde(rename = "as")]
    member: Option<String>,
    param: Option<String>,
    #[serde(default)]
    rename: BTreeMap<String, String>,
    #[serde(default)]
    also: Vec<Also>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct Also {
    from: String,
    call: String,
    #[serde(rename = "as")]
    member: String,
    param: String,
}

/// Row of a resource type, ignoring case: AWS Config and its samples differ in case.
fn config_type(kind: &str) -> Option<ConfigType> {
    static ROWS: std::sync::OnceLock<BTreeMap<String, ConfigType>> = std::sync::OnceLock::new();
    let rows = ROWS
        .get_or_init(|| toml::from_str(include_str!("../config-types.toml")).unwrap_or_default());
    rows.iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(kind))
        .map(|(_, row)| row.clone())
}

/// Parses strings that are JSON objects, which AWS Config embeds.
fn parse_embedded(value: Value) -> Value {
    match value {
        Value::Object(map) => map
            .into_iter()
            .map(|(k, v)| {
                let parsed = match &v {
                    // Policies stay text.
                    Value::String(s) if s.starts_with('{') && !s.contains("\"Statement\"") => {
                        serde_json::from_str(s).ok()
                    }
                    _ => None,
                };
                (k, parsed.unwrap_or_else(|| parse_embedded(v)))
            })
            .collect::<Map<_, _>>()
            .into(),
        other => other,
    }
}

fn renamed(value: Value, rename: &BTreeMap<String, String>) -> Value {
    match value {
        Value::Object(map) => map
            .into_iter()
            .map(|(k, v)| (rename.get(&k).cloned().unwrap_or(k), v))
            .collect::<Map<_, _>>()
            .into(),
        other => other,
    }
}

fn text_at(item: &Value, path: &str) -> Option<String> {
    at(item, path).and_then(Value::as_str).map(str::to_owned)
}

fn as_member(member: Option<&str>, value: Value) -> Value {
    match member {
        None | Some("") => value,
        Some(member) => Value::Object(Map::from_iter([(member.to_owned(), value)])),
    }
}

/// Appends an item to the list at `path`, creating lists and objects on the way.
fn push_at(answer: &mut Value, path: &str, item: Value) {
    let Some(map) = answer.as_object_mut() else {
        return;
    };
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let Some(list) = map
        .entry(first)
        .or_insert_with(|| Value::Array(Vec::new()))
        .as_array_mut()
    else {
        return;
    };
    if rest.is_empty() {
        list.push(item);
    } else {
        let mut inner = Value::Object(Map::new());
        push_at(&mut inner, rest, item);
        list.push(inner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_of_the_cli_is_an_answer() {
        let said = b"\nAn error occurred (NoSuchEntity) when calling the GetLoginProfile operation: Login Profile for User x cannot be found.\n";
        let refusal = refusal(said).unwrap();
        assert_eq!(refusal["Error"]["Code"], "NoSuchEntity");
        assert_eq!(
            refusal["Error"]["Message"],
            "Login Profile for User x cannot be found."
        );
        assert!(
            super::refusal(b"{\"Users\": [").is_none()
                && super::refusal(b"\xff An error occurred (").is_none()
        );
    }

    #[test]
    fn operations_are_named_as_the_cli_names_them() {
        for (operation, name) in [
            ("DescribeDBInstances", "describe-db-instances"),
            ("ListMFADevices", "list-mfa-devices"),
            (
                "ListOpenIDConnectProviders",
                "list-open-id-connect-providers",
            ),
            (
                "ListAWSServiceAccessForOrganization",
                "list-aws-service-access-for-organization",
            ),
            ("ListFindingsV2", "list-findings-v2"),
        ] {
            assert_eq!(kebab(operation), name);
        }
    }

    #[test]
    fn the_call_of_another_service_is_not_taken_for_ours() {
        let model = Model::builtin();
        let names = CallFileNames::of(&CallTable::builtin(&model).unwrap());
        let found = |stem| {
            names
                .find(&model, stem, None)
                .map(|(_, operation)| operation)
        };
        assert_eq!(found("eks-list-clusters").as_deref(), Some("ListClusters"));
        assert_eq!(found("ecs-list-clusters"), None);
        assert_eq!(found("memorydb-describe-clusters"), None);
        assert_eq!(
            found("neptune-describe-db-clusters").as_deref(),
            Some("DescribeDBClusters")
        );
        assert_eq!(
            found("accessanalzyer-list-analyzers").as_deref(),
            Some("ListAnalyzers")
        );
        assert!(is_call(&model, "apigateway-get-domain-names") && !is_call(&model, "iam-users"));
    }

    #[test]
    fn every_config_type_names_a_call_of_the_table() {
        let model = Model::builtin();
        let table = CallTable::builtin(&model).unwrap();
        let rows: BTreeMap<String, ConfigType> =
            toml::from_str(include_str!("../config-types.toml")).unwrap();
        for (kind, row) in rows {
            for call in std::iter::once(&row.call).chain(row.also.iter().map(|a| &a.call)) {
                let (service, operation) = call.split_once(' ').unwrap();
                assert!(
                    table.service(service).unwrap().call(operation).is_some(),
                    "{kind}: {call}"
                );
            }
        }
    }
}
