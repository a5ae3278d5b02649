//! `bartizan access eval`.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::rc::Rc;

use anyhow::{Context, Result};
use bartizan_iam::{
    Case, Compiled, Compiler, ExplainedDecision, Layers, PolicyError, PolicyGrammar, PolicyLayer,
    parse,
};
use bartizan_model::encoding::Unicode;
use bartizan_model::limits::{CASE_BYTES_MAX, COMPILED_BYTES_MAX};
use serde_json::{Value, json};

use crate::access::actions;
use crate::cli::{AccessEvalArgs, Format, Global};
use crate::outcome::Outcome;
use crate::render::{self, Out};

pub(super) fn run(global: &Global, args: &AccessEvalArgs) -> Result<Outcome> {
    let actions = actions(&args.table)?;
    let name = args.file.display();
    let source: Box<dyn Read> = if args.file == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(File::open(&args.file).with_context(|| format!("cannot read {name}"))?)
    };
    let mut source = BufReader::with_capacity(1 << 18, Unicode::new(source));
    let mut policies = Policies {
        compiler: Compiler::new(&actions),
        kept: HashMap::new(),
        bytes: 0,
    };
    let (mut out, mut all, mut unreadable, mut line) = (Out::new(), Vec::new(), 0u64, Vec::new());
    for number in 1u64.. {
        line.clear();
        if source
            .by_ref()
            .take(CASE_BYTES_MAX)
            .read_until(b'\n', &mut line)
            .with_context(|| format!("cannot read {name}"))?
            == 0
        {
            break;
        }
        let text = line.trim_ascii();
        if text.is_empty() {
            continue;
        }
        let case = match std::str::from_utf8(text) {
            Ok(text) => {
                Case::read(text, |layer, text| policies.get(layer, text)).map_err(|e| e.to_string())
            }
            Err(_) => Err("not UTF-8".to_owned()),
        };
        let answer = match case {
            Ok(case) => {
                let answer = Compiled::evaluate(&case.request, &borrowed(&case.layers), &actions);
                rendered(case, &answer)
            }
            Err(error) => {
                unreadable += 1;
                json!({"name": name_of(text), "decision": "unknown", "because": [format!("line \
                {number}: {error}")]})
            }
        };
        // Whole lines as they come, so that it can stand in a pipe.
        if global.format == Format::Json {
            all.push(answer)
        } else {
            out.row(&answer)?
        }
    }
    if global.format == Format::Json {
        out.rows(Format::Json, &all)?;
    }
    out.flush()?;
    if unreadable > 0 {
        render::note(
            global,
            &format!("{unreadable} lines could not be read: their decision is unknown"),
        );
        return Ok(Outcome::Bad);
    }
    Ok(Outcome::Done)
}

/// Policies that were compiled before.
struct Policies<'a> {
    compiler: Compiler<'a>,
    kept: HashMap<(PolicyGrammar, String), Rc<Compiled>>,
    bytes: usize,
}

impl Policies<'_> {
    fn get(&mut self, layer: PolicyLayer, text: &str) -> Result<Rc<Compiled>, PolicyError> {
        let key = (layer.side(), text.to_owned());
        if let Some(policy) = self.kept.get(&key) {
            return Ok(policy.clone());
        }
        let policy = parse(text)?;
        policy.check_version()?;
        let policy = Rc::new(self.compiler.compile(&policy, key.0));
        if self.bytes > COMPILED_BYTES_MAX {
            self.kept.clear();
            self.bytes = 0;
        }
        self.bytes += text.len();
        self.kept.insert(key, policy.clone());
        Ok(policy)
    }
}

fn borrowed(layers: &Layers<Rc<Compiled>>) -> Layers<&Compiled> {
    layers.map(|p| p.as_ref())
}

fn rendered(case: Case<Rc<Compiled>>, answer: &ExplainedDecision) -> Value {
    let mut because: Vec<String> = answer
        .because
        .iter()
        .map(|b| b.sentence(&case.layers))
        .collect();
    if !case.ignored.is_empty() {
        because.push(format!("not looked at: {}", case.ignored.join(", ")));
    }
    json!({"name": case.name, "decision": answer.decision.word(), "because": because})
}

/// The name of a case that is otherwise broken.
fn name_of(text: &[u8]) -> Value {
    serde_json::from_slice::<Value>(text)
        .map(|v| v["name"].clone())
        .unwrap_or_default()
}
