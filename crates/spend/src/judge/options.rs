//! Parameters of judging, with their defaults.

/// Parameters of judging. Shares are of the account's normal day.
#[derive(Clone, Debug)]
pub struct JudgeOptions {
    /// Time at which the bill is looked at, in seconds since 1970.
    pub as_of_s: i64,
    /// Age of a day's end from which it is scored, in hours. Charges arrive up to a day late.
    pub scored_hours: i64,
    /// Days of history before anything is called new.
    pub learning_days: i32,
    /// Days after which a new level is the normal one.
    pub level_days: i32,
    /// Spread above the expected cost at which a day is too high, in robust standard deviations.
    pub deviations: f64,
    /// Spread that is too high on several days in a row, as a drip that no day shows.
    pub row_deviations: f64,
    /// Extra cost a day below which nothing is said, in the bill's currency.
    pub money_floor: f64,
    /// Extra cost since a rise began from which it is medium.
    pub total_share: f64,
    /// Extra cost a day from which a rise is medium.
    pub daily_share: f64,
    /// Extra cost a day from which spend in a region never used before is medium.
    pub region_share: f64,
    /// Days by which a step of the ladder must be early.
    pub early_days: i32,
    /// Regions and services whose launch was announced.
    pub announced: Vec<String>,
}

impl Default for JudgeOptions {
    fn default() -> Self {
        Self {
            as_of_s: i64::MAX,
            scored_hours: 24,
            learning_days: 7,
            level_days: 14,
            deviations: 4.0,
            row_deviations: 2.0,
            money_floor: 1.0,
            total_share: 0.2,
            daily_share: 0.06,
            region_share: 0.03,
            early_days: 2,
            announced: Vec::new(),
        }
    }
}

/// False alarms of severity medium and worse, an account and month, that the defaults are for.
pub const FALSE_ALARMS: f64 = 0.1;
/// Change of all thresholds for ten times as many, or as few, false alarms.
const STRICTNESS_STEP: f64 = 0.25;

impl JudgeOptions {
    /// Thresholds for a budget of false alarms an account and month, over everything that is
    /// judged.
    #[must_use]
    pub fn with_false_alarms(self, budget: f64) -> Self {
        let decades = (FALSE_ALARMS / budget.clamp(0.001, 10.0)).log10();
        let strictness = (1.0 + STRICTNESS_STEP * decades).clamp(0.4, 2.0);
        Self {
            deviations: self.deviations * strictness,
            row_deviations: self.row_deviations * strictness,
            total_share: self.total_share * strictness,
            daily_share: self.daily_share * strictness,
            region_share: self.region_share * strictness,
            ..self
        }
    }

    /// Last day that is old enough to be scored, in days since 1970.
    #[must_use]
    pub fn scored_day(&self) -> i32 {
        let scored_s = self.as_of_s.saturating_sub(self.scored_hours * 3600);
        i32::try_from(scored_s.div_euclid(86_400) - 1).unwrap_or(i32::MAX)
    }
}
