//! The bill, live: CloudWatch's estimate of the month, Cost Explorer, and where data exports and cost
//! and usage reports lie. Answers are handed on as the AWS CLI would print them.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use crate::client::CallError;
use crate::live::Live;

/// Region of billing metrics, Cost Explorer and exports
/// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/monitor_estimated_charges_with_cloudwatch.html>).
const BILLING_REGION: &str = "us-east-1";
/// Price of a request of Cost Explorer in US cents
/// (<https://aws.amazon.com/aws-cost-management/aws-cost-explorer/pricing/>).
pub const COST_EXPLORER_REQUEST_CENTS: u32 = 1;
/// Queries of one GetMetricData
/// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html>).
const QUERIES_MAX: usize = 500;
/// Pages of one list that are asked for.
const PAGES_MAX: usize = 200;
/// Seconds between values of the estimate.
const PERIOD_S: i64 = 21_600;

/// Operations of this file, by service. All of them only read.
pub const BILL_CALLS: [(&str, &str); 6] = [
    ("bcm-data-exports", "ListExports"),
    ("bcm-data-exports", "GetExport"),
    ("ce", "GetCostAndUsage"),
    ("cloudwatch", "GetMetricData"),
    ("cloudwatch", "ListMetrics"),
    ("cur", "DescribeReportDefinitions"),
];

/// Views of Cost Explorer that are asked for: the most dimensions that it groups by are two.
const VIEWS: [(&str, [&str; 2]); 2] = [
    ("service-region", ["SERVICE", "REGION"]),
    ("account-service", ["LINKED_ACCOUNT", "SERVICE"]),
];

/// Part of the bill that is asked for.
#[derive(Debug, Clone, Copy)]
pub struct BillRequest {
    pub now: Timestamp,
    pub days: u16,
    /// Requests of Cost Explorer at most; 0 asks none.
    pub cost_explorer_requests: u32,
}

/// Answers about the bill.
#[derive(Debug, Default)]
pub struct LiveBill {
    pub documents: Vec<BillDocument>,
    /// Places of data exports and cost and usage reports, e.g. `s3://my-billing/export/daily`.
    pub exports: Vec<String>,
    /// Calls that were not answered, or only in part, e.g. `ce:GetCostAndUsage`, with the reason.
    pub unanswered: Vec<(String, String)>,
    /// Requests of Cost Explorer that were made.
    pub paid_requests: u32,
}

/// Answer as the AWS CLI prints it.
#[derive(Debug, Clone)]
pub struct BillDocument {
    /// `cloudwatch:GetMetricData of account 111122223333, page 1`.
    pub name: String,
    pub text: Vec<u8>,
}

/// Asks for the bill of an account.
pub async fn live_bill(live: &Live, request: &BillRequest) -> LiveBill {
    let mut bill = LiveBill::default();
    estimate(live, request, &mut bill).await;
    if request.cost_explorer_requests > 0 {
        for (name, dimensions) in VIEWS {
            cost_explorer(live, request, (name, dimensions), &mut bill).await;
        }
    }
    exports(live, &mut bill).await;
    bill
}

impl LiveBill {
    fn answered(&mut self, live: &Live, call: &str, answer: &Value) {
        let page = self.documents.len() + 1;
        self.documents.push(BillDocument {
            name: format!("{call} of account {}, answer {page}", live.account),
            text: answer.to_string().into_bytes(),
        });
    }

    fn failed(&mut self, call: &str, error: &CallError) {
        let code = match error.code.as_str() {
            "" => String::new(),
            code => format!("{code}: "),
        };
        self.unanswered
            .push((call.to_owned(), format!("{code}{}", error.detail)));
    }
}

async fn ask(
    live: &Live,
    (service, operation): (&str, &str),
    params: &Value,
) -> Result<Value, CallError> {
    let none = Map::new();
    let params = params.as_object().unwrap_or(&none);
    let names = (service, operation);
    let answer = live
        .client()
        .call(live.model(), names, BILLING_REGION, params);
    Ok(answer.await?.value)
}

/// All pages of a list, up to a bound.
async fn pages(
    live: &Live,
    names: (&str, &str),
    mut params: Value,
) -> Result<Vec<Value>, CallError> {
    let mut found = Vec::new();
    while found.len() < PAGES_MAX {
        let answer = ask(live, names, &params).await?;
        let token = answer["NextToken"].as_str().map(str::to_owned);
        found.push(answer);
        match token.filter(|t| !t.is_empty()) {
            Some(token) => params["NextToken"] = json!(token),
            None => break,
        }
    }
    Ok(found)
}

/// The month's estimated charges, by service and account as far as CloudWatch has them.
async fn estimate(live: &Live, request: &BillRequest, bill: &mut LiveBill) {
    let list = ("cloudwatch", "ListMetrics");
    let about = json!({"Namespace": "AWS/Billing", "MetricName": "EstimatedCharges"});
    let listed = match pages(live, list, about).await {
        Ok(listed) => listed,
        Err(error) => return bill.failed("cloudwatch:ListMetrics", &error),
    };
    let metrics: BTreeMap<String, &Value> = listed
        .iter()
        .flat_map(|page| page["Metrics"].as_array().into_iter().flatten())
        .filter(|m| m["Namespace"] == "AWS/Billing" && m["MetricName"] == "EstimatedCharges")
        .map(|m| (label(m), m))
        .collect();
    let metrics: Vec<(String, &Value)> = metrics.into_iter().collect();
    let end_s = request.now.as_second().div_euclid(PERIOD_S) * PERIOD_S + PERIOD_S;
    let start_s = end_s - i64::from(request.days) * 86_400;
    for (chunk, some) in metrics.chunks(QUERIES_MAX).enumerate() {
        let query = |(n, (label, metric)): (usize, &(String, &Value))| {
            json!({
                "Id": format!("m{}", chunk * QUERIES_MAX + n),
                "Label": label,
                "ReturnData": true,
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/Billing",
                        "MetricName": "EstimatedCharges",
                        "Dimensions": metric["Dimensions"],
                    },
                    "Period": PERIOD_S,
                    "Stat": "Maximum",
                },
            })
        };
        let queries: Vec<Value> = some.iter().enumerate().map(query).collect();
        bill.answered(
            live,
            "queries of cloudwatch:GetMetricData",
            &json!({"MetricDataQueries": queries}),
        );
        let params = json!({
            "MetricDataQueries": queries,
            "StartTime": start_s,
            "EndTime": end_s,
        });
        match pages(live, ("cloudwatch", "GetMetricData"), params).await {
            Ok(answers) => answers
                .iter()
                .for_each(|a| bill.answered(live, "cloudwatch:GetMetricData", a)),
            Err(error) => bill.failed("cloudwatch:GetMetricData", &error),
        }
    }
}

/// `Currency=USD ServiceName=AmazonEC2`.
fn label(metric: &Value) -> String {
    let dimensions = metric["Dimensions"].as_array().into_iter().flatten();
    let words: Vec<String> = dimensions
        .filter_map(|d| Some(format!("{}={}", d["Name"].as_str()?, d["Value"].as_str()?)))
        .collect();
    words.join(" ")
}

/// Cost by day in one view, as far as the requests reach.
async fn cost_explorer(
    live: &Live,
    request: &BillRequest,
    (view, dimensions): (&str, [&str; 2]),
    bill: &mut LiveBill,
) {
    let day = |time: Timestamp| time.to_string().get(..10).unwrap_or_default().to_owned();
    let back = SignedDuration::from_hours(24 * i64::from(request.days));
    let start = request.now.checked_sub(back).unwrap_or(request.now);
    let mut params = json!({
        "TimePeriod": {"Start": day(start), "End": day(request.now)},
        "Granularity": "DAILY",
        "Metrics": ["UnblendedCost", "UsageQuantity"],
        "GroupBy": dimensions.map(|key| json!({"Type": "DIMENSION", "Key": key})),
    });
    loop {
        if bill.paid_requests >= request.cost_explorer_requests {
            let why = format!("{} requests were allowed", request.cost_explorer_requests);
            bill.unanswered
                .push((format!("ce:GetCostAndUsage by {view}"), why));
            return;
        }
        bill.paid_requests += 1;
        let answer = match ask(live, ("ce", "GetCostAndUsage"), &params).await {
            Ok(answer) => answer,
            Err(error) => return bill.failed("ce:GetCostAndUsage", &error),
        };
        let token = answer["NextPageToken"].as_str().map(str::to_owned);
        bill.answered(live, &format!("ce:GetCostAndUsage by {view}"), &answer);
        match token.filter(|t| !t.is_empty()) {
            Some(token) => params["NextPageToken"] = json!(token),
            None => return,
        }
    }
}

/// Places of data exports and of cost and usage reports.
async fn exports(live: &Live, bill: &mut LiveBill) {
    let place = |bucket: &Value, prefix: &Value, name: &Value| {
        let bucket = bucket.as_str()?;
        let parts = [prefix.as_str().unwrap_or_default(), name.as_str()?];
        let parts = parts.map(|p| p.trim_matches('/'));
        let key: Vec<&str> = parts.into_iter().filter(|p| !p.is_empty()).collect();
        Some(format!("s3://{bucket}/{}", key.join("/")))
    };
    match pages(live, ("bcm-data-exports", "ListExports"), json!({})).await {
        Ok(listed) => {
            let all = listed
                .iter()
                .flat_map(|page| page["Exports"].as_array().into_iter().flatten());
            for export in all.take(PAGES_MAX) {
                let about = json!({"ExportArn": export["ExportArn"]});
                match ask(live, ("bcm-data-exports", "GetExport"), &about).await {
                    Ok(answer) => {
                        let export = &answer["Export"];
                        let to = &export["DestinationConfigurations"]["S3Destination"];
                        bill.exports.extend(place(
                            &to["S3Bucket"],
                            &to["S3Prefix"],
                            &export["Name"],
                        ));
                    }
                    Err(error) => bill.failed("bcm-data-exports:GetExport", &error),
                }
            }
        }
        Err(error) => bill.failed("bcm-data-exports:ListExports", &error),
    }
    match pages(live, ("cur", "DescribeReportDefinitions"), json!({})).await {
        Ok(answers) => {
            let all = answers
                .iter()
                .flat_map(|page| page["ReportDefinitions"].as_array().into_iter().flatten());
            let places =
                all.filter_map(|r| place(&r["S3Bucket"], &r["S3Prefix"], &r["ReportName"]));
            bill.exports.extend(places);
        }
        Err(error) => bill.failed("cur:DescribeReportDefinitions", &error),
    }
    bill.exports.sort();
    bill.exports.dedup();
}

#[cfg(test)]
mod tests {
    use super::BILL_CALLS;
    use crate::model::Model;

    #[test]
    fn calls_only_read_and_the_model_knows_them() {
        let model = Model::builtin();
        for (service, operation) in BILL_CALLS {
            assert!(
                model.operation(service, operation).is_some(),
                "{service} {operation}"
            );
            let reads = ["Get", "List", "Describe"];
            assert!(
                reads.iter().any(|verb| operation.starts_with(verb)),
                "{operation}"
            );
        }
    }
}
