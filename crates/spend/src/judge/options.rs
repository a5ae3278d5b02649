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

impl JudgeOptions {
    /// Last day that is old enough to be scored, in days since 1970.
    #[must_use]
    pub fn scored_day(&self) -> i32 {
        let scored_s = self.as_of_s.saturating_sub(self.scored_hours * 3600);
        i32::try_from(scored_s.div_euclid(86_400) - 1).unwrap_or(i32::MAX)
    }
}
