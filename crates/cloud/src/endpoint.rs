//! Service endpoints.

use std::collections::BTreeMap;

use crate::model::{Model, ServiceModel};

/// Endpoints of one partition, with the user's overrides.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// `aws`, `aws-us-gov`, `aws-cn`.
    pub partition: String,
    /// `AWS_ENDPOINT_URL`, or `endpoint_url` of the profile.
    pub all: Option<String>,
    /// `AWS_ENDPOINT_URL_<ID>` by id.
    pub by_service: BTreeMap<String, String>,
}

impl Endpoints {
    /// Endpoints of the partition of `region`, with overrides from the environment.
    #[must_use]
    pub fn of(
        model: &Model,
        region: &str,
        all: Option<String>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Self {
        let by_service = environment
            .filter_map(|(k, v)| Some((k.strip_prefix("AWS_ENDPOINT_URL_")?.to_owned(), v)));
        Self {
            partition: model.partition_of(region).to_owned(),
            all,
            by_service: by_service.filter(|(_, v)| !v.is_empty()).collect(),
        }
    }

    /// Base URL and signing region.
    #[must_use]
    pub fn resolve(
        &self,
        model: &Model,
        name: &str,
        service: &ServiceModel,
        region: &str,
        account: Option<&str>,
    ) -> (String, String) {
        let host = service.hosts.get(&self.partition);
        let signing_region = host
            .map_or(region, |(_, signing)| signing.as_str())
            .to_owned();
        if let Some(url) = self.by_service.get(&service.id).or(self.all.as_ref()) {
            return (url.clone(), signing_region);
        }
        let suffix = model
            .partition(&self.partition)
            .map_or("amazonaws.com", |p| p.suffix.as_str());
        let host = match host {
            Some((host, _)) => host.clone(),
            // S3 Control alone needs the account before its host. (S3 itself is called path-style:
            // one host per region serves every bucket name, including names with dots.)
            None if name == "s3control" => format!(
                "{}.{}.{region}.{suffix}",
                account.unwrap_or_default(),
                service.endpoint
            ),
            None => format!("{}.{region}.{suffix}", service.endpoint),
        };
        (format!("https://{host}"), signing_region)
    }

    /// Signing region of the partition's global services.
    #[must_use]
    pub fn home(&self) -> &'static str {
        match self.partition.as_str() {
            "aws-cn" => "cn-north-1",
            "aws-us-gov" => "us-gov-west-1",
            _ => "us-east-1",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(region: &str, service: &str, environment: &[(&str, &str)]) -> (String, String) {
        let model = Model::builtin();
        let environment = environment
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let endpoints = Endpoints::of(&model, region, None, environment);
        endpoints.resolve(
            &model,
            service,
            model.service(service).unwrap(),
            region,
            Some("123456789012"),
        )
    }

    #[test]
    fn three_partitions_and_overrides() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(
            url("eu-west-1", "iam", &[]),
            pair("https://iam.amazonaws.com", "us-east-1")
        );
        assert_eq!(
            url("us-gov-east-1", "iam", &[]),
            pair("https://iam.us-gov.amazonaws.com", "us-gov-west-1")
        );
        assert_eq!(
            url("cn-north-1", "ec2", &[]),
            pair("https://ec2.cn-north-1.amazonaws.com.cn", "cn-north-1")
        );
        assert_eq!(
            url("eu-west-1", "ecr", &[]),
            pair("https://api.ecr.eu-west-1.amazonaws.com", "eu-west-1")
        );
        assert_eq!(
            url("eu-west-1", "s3control", &[]),
            pair(
                "https://123456789012.s3-control.eu-west-1.amazonaws.com",
                "eu-west-1"
            )
        );
        assert_eq!(
            url(
                "eu-west-1",
                "logs",
                &[("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", "http://x")]
            ),
            pair("http://x", "eu-west-1")
        );
    }
}
