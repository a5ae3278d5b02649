//! The bill as a sensor: reads what AWS writes, sums it by day, and says what is not normal.
//!
//! No clock, no network and no files: the caller hands in readers and the time.

mod alarm_check;
mod charge;
mod day;
mod judge;
mod ledger;
mod money;
mod place;
mod read;
mod service;
mod summary;
mod usage;

pub use alarm_check::{AlarmCheck, AlarmVerdict, ExistingAlarm, check_alarms};
pub use charge::{ChargeKind, View};
pub use day::{day_text, month_text, today};
pub use judge::{
    ChartDay, ChartDimension, FALSE_ALARMS, JudgeOptions, LADDER_STEPS, Ladder, LadderStep,
    LadderVerdict, MonthChart, SpendFinding, SpendRule, SpendSubject, judge, ladder, month_charts,
    scored_through,
};
pub use ledger::{
    BillFile, BillProblem, BillProblemKind, BudgetNotice, ChargeLabel, DayCost, Ledger, Problems,
    ReportedAnomaly, UnreadPeriod,
};
pub use money::{amount, of_double};
pub use place::GLOBAL;
pub use read::{BillReader, Manifest, PlannedFile, for_tests, plan};
pub use service::sensor;
pub use summary::{AlarmProposal, SpendSummary, SummaryRow, alarm_proposals, spend_summary};
pub use usage::{BilledUsage, billed_usage};
