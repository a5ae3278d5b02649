//! Thread that makes the calls of canaries, with the first account that is read live.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use bartizan_cloud::canary::send_canary;
use bartizan_cloud::live::{Identity, Live};
use bartizan_cloud::model::Model;
use jiff::Timestamp;

use super::super::config::Config;
use super::background::BackgroundThread;
use super::canary::{due, failed, nonce, sent};
use super::server::HealthCell;
use crate::import::runtime;

/// Time between two looks at what is due.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Sender that ends when it is dropped.
pub(crate) struct CanarySender {
    _thread: BackgroundThread,
}

/// Identity, regions and interval of canaries.
struct Canaries {
    identity: Identity,
    /// None named: every region of the trail.
    regions: Vec<String>,
    every_s: i64,
    health: HealthCell,
}

impl CanarySender {
    /// Starts the canaries of a configuration; none if they are off or no account is read live.
    pub(crate) fn start(config: &Config, health: HealthCell) -> Result<Option<Self>> {
        let account = config.account.iter().find(|a| a.from.is_none());
        let (Some(account), 1..) = (account, config.watch.canary_minutes) else {
            return Ok(None);
        };
        let canaries = Canaries {
            identity: Identity {
                profile: account.profile.clone(),
                role_arn: account.role_arn.clone(),
                external_id: account.external_id.clone(),
            },
            regions: config.watch.canary_regions.clone(),
            every_s: 60 * i64::from(config.watch.canary_minutes),
            health,
        };
        let thread = BackgroundThread::start("canary", move |ends| canaries.run(ends))?;
        Ok(Some(Self { _thread: thread }))
    }
}

impl Canaries {
    fn run(&self, ends: &AtomicBool) {
        let Ok(runtime) = runtime() else {
            return;
        };
        let model = Arc::new(Model::builtin());
        let mut live: Option<Live> = None;
        let mut next = Instant::now();
        while !ends.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(100));
            if Instant::now() < next {
                continue;
            }
            next = Instant::now() + LOOK_EVERY;
            let now_s = Timestamp::now().as_second();
            for region in self.due(now_s) {
                let done = runtime.block_on(self.send(&model, &mut live, &region, now_s));
                if let Err(why) = done {
                    failed(&mut self.health.lock(), &region, &why, now_s);
                }
            }
        }
    }

    fn due(&self, now_s: i64) -> Vec<String> {
        let health = self.health.lock();
        let mut regions = self.regions.clone();
        if regions.is_empty() {
            regions.extend(health.places.iter().map(|p| p.region.clone()));
            regions.sort();
            regions.dedup();
        }
        let due = due(&health, &regions, self.every_s, now_s);
        due.into_iter().map(str::to_owned).collect()
    }

    async fn send(
        &self,
        model: &Arc<Model>,
        live: &mut Option<Live>,
        region: &str,
        now_s: i64,
    ) -> Result<(), String> {
        if live.is_none() {
            let connected = Live::connect(model.clone(), &self.identity).await;
            *live = Some(connected.map_err(|e| e.to_string())?);
        }
        let Some(live) = live.as_ref() else {
            return Ok(());
        };
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|e| e.to_string())?;
        let nonce = nonce(random);
        send_canary(live, region, &nonce)
            .await
            .map_err(|e| e.detail)?;
        let mut health = self.health.lock();
        health.canary_account.clone_from(&live.account);
        sent(&mut health, region, &nonce, now_s);
        Ok(())
    }
}
