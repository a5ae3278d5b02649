//! Simulated account: calls change it as in AWS, and write the records that CloudTrail would.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// Account id.
pub(crate) const ACCOUNT: &str = "111122223333";
/// Home region.
pub(crate) const HOME: &str = "us-east-1";

/// Random numbers with a fixed seed.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() >> 11) as usize % n.max(1)
    }

    /// Id of digits and upper-case characters.
    pub(crate) fn id(&mut self, prefix: &str, length: usize) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let tail: String = (0..length)
            .map(|_| LETTERS[self.below(LETTERS.len())] as char)
            .collect();
        format!("{prefix}{tail}")
    }

    /// Id of hexadecimal digits.
    pub(crate) fn hex(&mut self, prefix: &str, length: usize) -> String {
        let tail: String = (0..length)
            .map(|_| char::from_digit(self.below(16) as u32, 16).unwrap_or('0'))
            .collect();
        format!("{prefix}{tail}")
    }
}

/// Caller of the simulation.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// `userIdentity`.
    pub(crate) identity: Value,
    /// Source address, or a service.
    pub(crate) address: String,
    pub(crate) agent: String,
    /// Origin that attribution should find.
    pub(crate) origin: String,
}

/// Actual change of a fact.
#[derive(Clone, Debug)]
pub(crate) struct Deed {
    pub(crate) kind: &'static str,
    pub(crate) id: String,
    pub(crate) origin: String,
    pub(crate) call: String,
    pub(crate) event: String,
    pub(crate) time: String,
}

/// Kind, region and id of a fact.
pub(crate) type Place = (&'static str, String, String);

/// Simulated account with its trail and the true history.
pub(crate) struct World {
    pub(crate) dice: Dice,
    /// Seconds since 1970.
    pub(crate) now_s: i64,
    /// Documents by kind, region and id.
    pub(crate) facts: BTreeMap<Place, Value>,
    /// All records, with their times.
    pub(crate) records: Vec<(i64, Value)>,
    /// All changes, in order.
    pub(crate) deeds: Vec<Deed>,
    /// The trail is recording.
    pub(crate) logging: bool,
}

pub(crate) fn time_text(time_s: i64) -> String {
    Timestamp::from_second(time_s)
        .map(|t| t.to_string())
        .unwrap_or_default()
}

/// Time as the AWS CLI prints it.
fn cli_time(time_s: i64) -> String {
    time_text(time_s).replace('Z', "+00:00")
}

impl World {
    pub(crate) fn new(seed: u64, now: &str) -> Self {
        let now_s = now.parse::<Timestamp>().map_or(0, Timestamp::as_second);
        Self {
            dice: Dice::new(seed),
            now_s,
            facts: BTreeMap::new(),
            records: Vec::new(),
            deeds: Vec::new(),
            logging: true,
        }
    }

    pub(crate) fn at(&mut self, time: &str) {
        self.now_s = time
            .parse::<Timestamp>()
            .map_or(self.now_s, Timestamp::as_second);
    }

    /// Sets a fact without a call, for the initial state.
    pub(crate) fn set(&mut self, kind: &'static str, region: &str, id: &str, document: Value) {
        self.facts
            .insert((kind, region.to_owned(), id.to_owned()), document);
    }

    pub(crate) fn get(&self, kind: &'static str, region: &str, id: &str) -> Option<&Value> {
        self.facts.get(&(kind, region.to_owned(), id.to_owned()))
    }

    /// Writes a record, unless the trail is off. Returns the event id.
    pub(crate) fn record(
        &mut self,
        by: &Caller,
        source: &str,
        name: &str,
        region: &str,
        request: Value,
        response: Value,
    ) -> String {
        let event = format!(
            "{}-{}-4{}-8{}-{}",
            self.dice.hex("", 8),
            self.dice.hex("", 4),
            self.dice.hex("", 3),
            self.dice.hex("", 3),
            self.dice.hex("", 12)
        );
        let read_only = ["Get", "List", "Describe", "Lookup", "Assume"]
            .iter()
            .any(|verb| name.starts_with(verb));
        let record = json!({
            "eventVersion": "1.11",
            "userIdentity": by.identity,
            "eventTime": time_text(self.now_s),
            "eventSource": format!("{source}.amazonaws.com"),
            "eventName": name,
            "awsRegion": region,
            "sourceIPAddress": by.address,
            "userAgent": by.agent,
            "requestParameters": request,
            "responseElements": response,
            "requestID": self.dice.hex("", 16),
            "eventID": event,
            "readOnly": read_only,
            "eventType": "AwsApiCall",
            "managementEvent": true,
            "recipientAccountId": ACCOUNT,
            "eventCategory": "Management",
        });
        if self.logging {
            self.records.push((self.now_s, record));
        }
        self.now_s += 1 + self.dice.below(6) as i64;
        event
    }

    /// Records a denied call.
    pub(crate) fn refused(&mut self, by: &Caller, source: &str, name: &str, region: &str) {
        self.record(by, source, name, region, Value::Null, Value::Null);
        if let Some((_, record)) = self.records.last_mut().filter(|_| self.logging) {
            record["errorCode"] = "AccessDenied".into();
            record["errorMessage"] = format!("not authorized to perform: {source}:{name}").into();
        }
    }

    /// Records a call that changed facts.
    #[expect(clippy::too_many_arguments, reason = "a record has that many parts")]
    fn deed(
        &mut self,
        by: &Caller,
        source: &str,
        name: &str,
        region: &str,
        request: Value,
        response: Value,
        touched: &[(&'static str, &str)],
    ) -> String {
        let time = time_text(self.now_s);
        let event = self.record(by, source, name, region, request, response);
        for (kind, id) in touched {
            let (origin, call, event, time) = (
                by.origin.clone(),
                format!("{source}:{name}"),
                event.clone(),
                time.clone(),
            );
            self.deeds.push(Deed {
                kind,
                id: (*id).to_owned(),
                origin,
                call,
                event,
                time,
            });
        }
        event
    }

    // Callers.

    /// User with an access key.
    pub(crate) fn user(&self, name: &str, key: &str, address: &str, agent: &str) -> Caller {
        let arn = format!("arn:aws:iam::{ACCOUNT}:user/{name}");
        let identity = json!({
            "type": "IAMUser",
            "principalId": format!("AIDA{}", name.to_uppercase()),
            "arn": arn,
            "accountId": ACCOUNT,
            "accessKeyId": key,
            "userName": name,
        });
        Caller {
            identity,
            address: address.to_owned(),
            agent: agent.to_owned(),
            origin: arn,
        }
    }

    /// AWS service.
    pub(crate) fn service(&self, name: &str) -> Caller {
        let host = format!("{name}.amazonaws.com");
        Caller {
            identity: json!({"type": "AWSService", "invokedBy": host}),
            address: host.clone(),
            agent: host.clone(),
            origin: host,
        }
    }

    /// Principal of another account, as recorded in this one.
    pub(crate) fn foreigner(
        &self,
        account: &str,
        principal: &str,
        address: &str,
        agent: &str,
    ) -> Caller {
        let identity =
            json!({"type": "AWSAccount", "principalId": principal, "accountId": account});
        Caller {
            identity,
            address: address.to_owned(),
            agent: agent.to_owned(),
            origin: format!("account:{account}:{principal}"),
        }
    }

    /// Pipeline job, authenticated by an identity provider.
    pub(crate) fn job(&self, subject: &str, address: &str, agent: &str) -> Caller {
        let provider =
            format!("arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com");
        let identity = json!({
            "type": "WebIdentityUser",
            "principalId": format!("{provider}:sts.amazonaws.com:{subject}"),
            "userName": subject,
            "identityProvider": provider,
        });
        Caller {
            identity,
            address: address.to_owned(),
            agent: agent.to_owned(),
            origin: format!("{provider}/{subject}"),
        }
    }

    /// Role session: `by` requests it, and the trail records that.
    pub(crate) fn assume(&mut self, by: &Caller, role: &str, session: &str) -> Caller {
        let key = self.dice.id("ASIA", 16);
        let role_id = format!("AROA{}", role.to_uppercase().replace('-', ""));
        let role_arn = format!("arn:aws:iam::{ACCOUNT}:role/{role}");
        let arn = format!("arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}");
        let name = match by.identity["type"].as_str() {
            Some("WebIdentityUser") => "AssumeRoleWithWebIdentity",
            Some("SAMLUser") => "AssumeRoleWithSAML",
            _ => "AssumeRole",
        };
        let request =
            json!({"roleArn": role_arn, "roleSessionName": session, "durationSeconds": 3600});
        let expiration = time_text(self.now_s + 3600);
        let response = json!({
            "credentials": {
                "accessKeyId": key,
                "sessionToken": "(hidden)",
                "expiration": expiration,
            },
            "assumedRoleUser": {"assumedRoleId": format!("{role_id}:{session}"), "arn": arn},
        });
        let created = time_text(self.now_s);
        self.record(by, "sts", name, HOME, request, response);
        let identity = json!({
            "type": "AssumedRole", "principalId": format!("{role_id}:{session}"), "arn": arn, "accountId": ACCOUNT, "accessKeyId": key,
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": role_id,
                    "arn": role_arn,
                    "accountId": ACCOUNT,
                    "userName": role,
                },
                "attributes": {"creationDate": created, "mfaAuthenticated": "false"},
            },
        });
        let service = by.identity["type"] == "AWSService";
        let origin = match (
            service,
            by.identity["invokedBy"]
                .as_str()
                .and_then(|s| s.split('.').next()),
        ) {
            (true, Some("ec2")) => format!("instance {session}"),
            (true, Some(service)) => format!("{service} {session}"),
            _ if role.starts_with("AWSReservedSSO_") => format!("identity-center:{session}"),
            _ => by.origin.clone(),
        };
        Caller {
            identity,
            origin,
            ..by.clone()
        }
    }

    // Calls.

    pub(crate) fn put_user_policy(
        &mut self,
        by: &Caller,
        user: &str,
        policy: &str,
        document: &Value,
    ) -> String {
        let id = format!("{user}/{policy}");
        self.set("iam:userpolicy", "global", &id, document.clone());
        let request =
            json!({"userName": user, "policyName": policy, "policyDocument": document.to_string()});
        self.deed(
            by,
            "iam",
            "PutUserPolicy",
            HOME,
            request,
            Value::Null,
            &[("iam:userpolicy", &id)],
        )
    }

    pub(crate) fn put_role_policy(
        &mut self,
        by: &Caller,
        role: &str,
        policy: &str,
        document: &Value,
    ) {
        let id = format!("{role}/{policy}");
        self.set("iam:rolepolicy", "global", &id, document.clone());
        let request =
            json!({"roleName": role, "policyName": policy, "policyDocument": document.to_string()});
        self.deed(
            by,
            "iam",
            "PutRolePolicy",
            HOME,
            request,
            Value::Null,
            &[("iam:rolepolicy", &id)],
        );
    }

    pub(crate) fn user_document(&mut self, name: &str, created_s: i64) -> Value {
        json!({
            "Path": "/",
            "UserName": name,
            "UserId": self.dice.id("AIDA", 17),
            "Arn": format!("arn:aws:iam::{ACCOUNT}:user/{name}"),
            "CreateDate": cli_time(created_s),
            "AttachedManagedPolicies": [],
            "Tags": [],
        })
    }

    pub(crate) fn role_document(&mut self, name: &str, created_s: i64) -> Value {
        let path = if name.starts_with("AWSReservedSSO_") {
            "/aws-reserved/sso.amazonaws.com/"
        } else {
            "/"
        };
        json!({
            "Path": path,
            "RoleName": name,
            "RoleId": self.dice.id("AROA", 17),
            "Arn": format!("arn:aws:iam::{ACCOUNT}:role{path}{name}"),
            "CreateDate": cli_time(created_s),
            "InstanceProfileList": [],
            "AttachedManagedPolicies": [],
            "Tags": [],
        })
    }

    pub(crate) fn update_trust(&mut self, by: &Caller, role: &str, trust: &Value) {
        self.set("iam:assumerolepolicy", "global", role, trust.clone());
        let request = json!({"roleName": role, "policyDocument": trust.to_string()});
        self.deed(
            by,
            "iam",
            "UpdateAssumeRolePolicy",
            HOME,
            request,
            Value::Null,
            &[("iam:assumerolepolicy", role)],
        );
    }

    pub(crate) fn create_access_key(&mut self, by: &Caller, user: &str) -> String {
        let key = self.dice.id("AKIA", 16);
        let id = format!("{user}/{key}");
        let document = json!({
            "UserName": user,
            "AccessKeyId": key,
            "Status": "Active",
            "CreateDate": cli_time(self.now_s),
        });
        self.set("iam:accesskey", "global", &id, document);
        let response = json!({
            "accessKey": {
                "userName": user,
                "accessKeyId": key,
                "status": "Active",
                "createDate": time_text(self.now_s),
            },
        });
        let own = by.identity["userName"] == user && by.identity["type"] == "IAMUser";
        let request = if own {
            Value::Null
        } else {
            json!({"userName": user})
        };
        self.deed(
            by,
            "iam",
            "CreateAccessKey",
            HOME,
            request,
            response,
            &[("iam:accesskey", &id)],
        );
        key
    }

    pub(crate) fn create_login_profile(&mut self, by: &Caller, user: &str) -> String {
        let created = self.now_s;
        self.set(
            "iam:loginprofile",
            "global",
            user,
            json!({
                "UserName": user,
                "CreateDate": cli_time(created),
                "PasswordResetRequired": false,
            }),
        );
        let response = json!({
            "loginProfile": {
                "userName": user,
                "createDate": time_text(created),
                "passwordResetRequired": false,
            },
        });
        self.deed(
            by,
            "iam",
            "CreateLoginProfile",
            HOME,
            json!({"userName": user, "passwordResetRequired": false}),
            response,
            &[("iam:loginprofile", user)],
        )
    }

    pub(crate) fn set_queue_policy(&mut self, by: &Caller, url: &str, document: &Value) {
        self.set("sqs:queuepolicy", HOME, url, document.clone());
        let request = json!({"queueUrl": url, "attributes": {"Policy": document.to_string()}});
        self.deed(
            by,
            "sqs",
            "SetQueueAttributes",
            HOME,
            request,
            Value::Null,
            &[("sqs:queuepolicy", url)],
        );
    }

    /// Opens or closes a port.
    pub(crate) fn ingress(&mut self, by: &Caller, group: &str, port: u16, cidr: &str, open: bool) {
        let place = ("ec2:security_group", HOME.to_owned(), group.to_owned());
        if let Some(rules) = self
            .facts
            .get_mut(&place)
            .and_then(|g| g["IpPermissions"].as_array_mut())
        {
            if open {
                rules.push(json!({
                    "IpProtocol": "tcp",
                    "FromPort": port,
                    "ToPort": port,
                    "IpRanges": [{"CidrIp": cidr}],
                    "Ipv6Ranges": [],
                    "PrefixListIds": [],
                    "UserIdGroupPairs": [],
                }));
            } else {
                rules.retain(|r| r["FromPort"] != port || r["IpRanges"][0]["CidrIp"] != cidr);
            }
        }
        let items = json!({
            "items": [{
                "ipProtocol": "tcp",
                "fromPort": port,
                "toPort": port,
                "groups": {},
                "ipRanges": {"items": [{"cidrIp": cidr}]},
                "ipv6Ranges": {},
                "prefixListIds": {},
            }],
        });
        let name = if open {
            "AuthorizeSecurityGroupIngress"
        } else {
            "RevokeSecurityGroupIngress"
        };
        self.deed(
            by,
            "ec2",
            name,
            HOME,
            json!({"groupId": group, "ipPermissions": items}),
            json!({"_return": true}),
            &[("ec2:security_group", group)],
        );
    }

    pub(crate) fn share_snapshot(&mut self, by: &Caller, snapshot: &str, account: &str) {
        let place = (
            "ec2:snapshotpermission",
            HOME.to_owned(),
            snapshot.to_owned(),
        );
        let list = self.facts.entry(place).or_insert_with(|| json!([]));
        if let Some(list) = list.as_array_mut() {
            list.push(json!({"UserId": account}));
        }
        let request = json!({
            "snapshotId": snapshot,
            "createVolumePermission": {"add": {"items": [{"userId": account}]}},
            "attributeType": "CREATE_VOLUME_PERMISSION",
        });
        self.deed(
            by,
            "ec2",
            "ModifySnapshotAttribute",
            HOME,
            request,
            json!({"_return": true}),
            &[("ec2:snapshotpermission", snapshot)],
        );
    }

    pub(crate) fn update_function(&mut self, by: &Caller, function: &str) {
        let code = self.dice.hex("", 44);
        let modified = cli_time(self.now_s);
        let place = ("lambda:function", HOME.to_owned(), function.to_owned());
        if let Some(f) = self.facts.get_mut(&place) {
            f["CodeSha256"] = code.clone().into();
            f["LastModified"] = modified.clone().into();
        }
        let response = json!({
            "functionName": function,
            "codeSha256": code,
            "lastModified": modified,
            "runtime": "python3.13",
        });
        self.deed(
            by,
            "lambda",
            "UpdateFunctionCode20150331v2",
            HOME,
            json!({"functionName": function, "publish": false}),
            response,
            &[("lambda:function", function)],
        );
    }

    pub(crate) fn tag_user(&mut self, by: &Caller, user: &str, key: &str, value: &str) {
        let place = ("iam:user", "global".to_owned(), user.to_owned());
        if let Some(tags) = self
            .facts
            .get_mut(&place)
            .and_then(|u| u["Tags"].as_array_mut())
        {
            tags.push(json!({"Key": key, "Value": value}));
        }
        self.deed(
            by,
            "iam",
            "TagUser",
            HOME,
            json!({"userName": user, "tags": [{"key": key, "value": value}]}),
            Value::Null,
            &[("iam:user", user)],
        );
    }

    pub(crate) fn logging(&mut self, by: &Caller, on: bool) {
        let place = ("cloudtrail:trailstatus", HOME.to_owned(), "main".to_owned());
        let arn = format!("arn:aws:cloudtrail:{HOME}:{ACCOUNT}:trail/main");
        if let Some(status) = self.facts.get_mut(&place) {
            status["IsLogging"] = on.into();
        }
        // The record of a stop is the last one, that of a start the first.
        self.logging = true;
        let name = if on { "StartLogging" } else { "StopLogging" };
        self.deed(
            by,
            "cloudtrail",
            name,
            HOME,
            json!({"name": arn}),
            Value::Null,
            &[("cloudtrail:trailstatus", &arn)],
        );
        self.logging = on;
    }

    pub(crate) fn run_instances(
        &mut self,
        by: &Caller,
        region: &str,
        kind: &str,
        count: usize,
    ) -> Vec<String> {
        let ids: Vec<String> = (0..count).map(|_| self.dice.hex("i-0", 16)).collect();
        let items: Vec<Value> = ids
            .iter()
            .map(|id| {
                json!({
                    "instanceId": id,
                    "instanceType": kind,
                    "instanceState": {"name": "pending"},
                })
            })
            .collect();
        let request = json!({
            "instancesSet": {"items": [{"imageId": "ami-0c02fb55956c7d316", "minCount": count, "maxCount": count}]},
            "instanceType": kind,
        });
        self.record(
            by,
            "ec2",
            "RunInstances",
            region,
            request,
            json!({"instancesSet": {"items": items}}),
        );
        ids
    }

    pub(crate) fn terminate_instances(&mut self, by: &Caller, region: &str, ids: &[String]) {
        let items: Vec<Value> = ids.iter().map(|id| json!({"instanceId": id})).collect();
        self.record(
            by,
            "ec2",
            "TerminateInstances",
            region,
            json!({"instancesSet": {"items": items}}),
            Value::Null,
        );
    }

    /// Last change of each fact.
    pub(crate) fn truth(&self) -> BTreeMap<(&'static str, String), Deed> {
        self.deeds
            .iter()
            .map(|d| ((d.kind, d.id.clone()), d.clone()))
            .collect()
    }
}

/// Calls of random stories only.
#[cfg(test)]
impl World {
    pub(crate) fn delete_role_policy(&mut self, by: &Caller, role: &str, policy: &str) {
        let id = format!("{role}/{policy}");
        self.facts
            .remove(&("iam:rolepolicy", "global".to_owned(), id.clone()));
        self.deed(
            by,
            "iam",
            "DeleteRolePolicy",
            HOME,
            json!({"roleName": role, "policyName": policy}),
            Value::Null,
            &[("iam:rolepolicy", &id)],
        );
    }

    pub(crate) fn create_user(&mut self, by: &Caller, name: &str) {
        let user = self.user_document(name, self.now_s);
        let response = json!({
            "user": {
                "userName": name,
                "userId": user["UserId"],
                "arn": user["Arn"],
                "path": "/",
                "createDate": user["CreateDate"],
            },
        });
        self.set("iam:user", "global", name, user);
        self.deed(
            by,
            "iam",
            "CreateUser",
            HOME,
            json!({"userName": name}),
            response,
            &[("iam:user", name)],
        );
    }

    pub(crate) fn create_role(&mut self, by: &Caller, name: &str, trust: &Value) {
        let role = self.role_document(name, self.now_s);
        let response =
            json!({"role": {"roleName": name, "roleId": role["RoleId"], "arn": role["Arn"]}});
        self.set("iam:role", "global", name, role);
        self.set("iam:assumerolepolicy", "global", name, trust.clone());
        let request = json!({"roleName": name, "assumeRolePolicyDocument": trust.to_string()});
        self.deed(
            by,
            "iam",
            "CreateRole",
            HOME,
            request,
            response,
            &[("iam:role", name), ("iam:assumerolepolicy", name)],
        );
    }

    pub(crate) fn attach_user_policy(&mut self, by: &Caller, user: &str, policy: &str) {
        let place = ("iam:user", "global".to_owned(), user.to_owned());
        let arn = format!("arn:aws:iam::aws:policy/{policy}");
        if let Some(list) = self
            .facts
            .get_mut(&place)
            .and_then(|u| u["AttachedManagedPolicies"].as_array_mut())
        {
            list.push(json!({"PolicyName": policy, "PolicyArn": arn}));
        }
        self.deed(
            by,
            "iam",
            "AttachUserPolicy",
            HOME,
            json!({"userName": user, "policyArn": arn}),
            Value::Null,
            &[("iam:user", user)],
        );
    }

    pub(crate) fn delete_access_key(&mut self, by: &Caller, user: &str, key: &str) {
        let id = format!("{user}/{key}");
        self.facts
            .remove(&("iam:accesskey", "global".to_owned(), id.clone()));
        self.deed(
            by,
            "iam",
            "DeleteAccessKey",
            HOME,
            json!({"userName": user, "accessKeyId": key}),
            Value::Null,
            &[("iam:accesskey", &id)],
        );
    }

    pub(crate) fn join_group(&mut self, by: &Caller, user: &str, group: &str) {
        let id = format!("{user}/{group}");
        self.set("iam:useringroup", "global", &id, json!(group));
        self.deed(
            by,
            "iam",
            "AddUserToGroup",
            HOME,
            json!({"userName": user, "groupName": group}),
            Value::Null,
            &[("iam:useringroup", &id)],
        );
    }

    pub(crate) fn leave_group(&mut self, by: &Caller, user: &str, group: &str) {
        let id = format!("{user}/{group}");
        self.facts
            .remove(&("iam:useringroup", "global".to_owned(), id.clone()));
        self.deed(
            by,
            "iam",
            "RemoveUserFromGroup",
            HOME,
            json!({"userName": user, "groupName": group}),
            Value::Null,
            &[("iam:useringroup", &id)],
        );
    }

    pub(crate) fn put_bucket_policy(&mut self, by: &Caller, bucket: &str, document: &Value) {
        self.set("s3:bucketpolicy", "global", bucket, document.clone());
        let request = json!({
            "bucketName": bucket,
            "bucketPolicy": document,
            "Host": format!("{bucket}.s3.amazonaws.com"),
        });
        self.deed(
            by,
            "s3",
            "PutBucketPolicy",
            HOME,
            request,
            Value::Null,
            &[("s3:bucketpolicy", bucket)],
        );
    }
}

/// Policy with one statement.
pub(crate) fn allow(action: Value, resource: Value) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}],
    })
}

/// Trust policy.
pub(crate) fn trust(principal: Value, action: &str) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": principal, "Action": action}],
    })
}

/// Selected members of an object.
pub(crate) fn pick(value: &Value, names: &[&str]) -> Value {
    Value::Object(
        names
            .iter()
            .filter_map(|n| Some(((*n).to_owned(), value.get(n)?.clone())))
            .collect::<Map<_, _>>(),
    )
}
