#!/usr/bin/env python3
"""Make one resource of each service that the checks of posture read, on a moto server.

usage: seed_services.py ENDPOINT

Prints, a line each, the facts that must now exist: KIND<tab>ID. Needs boto3.
"""
import json
import sys

import boto3

ENDPOINT, ACCOUNT = sys.argv[1], "123456789012"
OPEN = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]})


def client(name):
    made = boto3.client(name, endpoint_url=ENDPOINT, region_name="us-east-1", aws_access_key_id="t", aws_secret_access_key="t")
    if name == "s3control":  # its host has the account in front, which a loopback address cannot have
        made.meta.events.register("before-sign", lambda request, **_: setattr(request, "url", request.url.replace(f"{ACCOUNT}.127", "127")))
    return made


def out(*fields):
    print("\t".join(fields))


alarm = client("cloudwatch")
alarm.put_metric_alarm(AlarmName="bill", Namespace="AWS/Billing", MetricName="EstimatedCharges", Threshold=10, Period=21600, EvaluationPeriods=1,
                       ComparisonOperator="GreaterThanThreshold", Statistic="Maximum", ActionsEnabled=True,
                       AlarmActions=[f"arn:aws:sns:us-east-1:{ACCOUNT}:bill"], Dimensions=[{"Name": "Currency", "Value": "USD"}])
out("cloudwatch:alarm", "bill")

client("budgets").create_budget(AccountId=ACCOUNT, Budget={"BudgetName": "month", "BudgetType": "COST", "TimeUnit": "MONTHLY", "BudgetLimit": {
    "Amount": "10", "Unit": "USD"}}, NotificationsWithSubscribers=[{"Notification": {
        "NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": 80},
        "Subscribers": [{"SubscriptionType": "EMAIL", "Address": "a@example.com"}]}])
out("budgets:budget", "month")
out("budgets:notification", "month/ACTUAL/GREATER_THAN/80")

entries = [{"Cidr": "0.0.0.0/0", "Description": "everybody"}, {"Cidr": "10.0.0.0/8"}]
prefixes = client("ec2").create_managed_prefix_list(PrefixListName="p", MaxEntries=5, AddressFamily="IPv4", Entries=entries)
prefixes = prefixes["PrefixList"]["PrefixListId"]
out("ec2:managedprefixlistentry", f"{prefixes}/0.0.0.0/0")
out("ec2:managedprefixlistentry", f"{prefixes}/10.0.0.0/8")

client("redshift").create_cluster(ClusterIdentifier="house", NodeType="dc2.large", MasterUsername="u", MasterUserPassword="Passw0rd1", PubliclyAccessible=True)
out("redshift:cluster", "house")

broker = client("mq").create_broker(BrokerName="b", DeploymentMode="SINGLE_INSTANCE", EngineType="ACTIVEMQ", EngineVersion="5.17.6",
                                    HostInstanceType="mq.t3.micro", PubliclyAccessible=True, AutoMinorVersionUpgrade=True,
                                    Users=[{"Username": "u", "Password": "canary-hunter2"}])
out("mq:broker", broker["BrokerId"])

client("dms").create_replication_instance(ReplicationInstanceIdentifier="copy", ReplicationInstanceClass="dms.t3.micro", PubliclyAccessible=True)
out("dms:replicationinstance", "copy")

client("eks").create_cluster(name="kube", roleArn=f"arn:aws:iam::{ACCOUNT}:role/x", resourcesVpcConfig={
    "subnetIds": ["subnet-1", "subnet-2"], "endpointPublicAccess": True, "publicAccessCidrs": ["0.0.0.0/0"]})
out("eks:cluster", "kube")

for name, policy in ("search", OPEN), ("quiet", ""):
    client("opensearch").create_domain(DomainName=name, AccessPolicies=policy)
    out("opensearch:domain", name)
    out("opensearch:domainpolicy", name)

rest = client("apigateway")
api = rest.create_rest_api(name="rest", policy=OPEN)["id"]
root = rest.get_resources(restApiId=api)["items"][0]["id"]
rest.put_method(restApiId=api, resourceId=root, httpMethod="GET", authorizationType="NONE")
out("apigateway:restapi", api)
out("apigateway:restapipolicy", api)
out("apigateway:resource", f"{api}/{root}")

http = client("apigatewayv2")
api = http.create_api(Name="http", ProtocolType="HTTP")["ApiId"]
out("apigatewayv2:api", api)
out("apigatewayv2:route", f"{api}/" + http.create_route(ApiId=api, RouteKey="GET /x")["RouteId"])

pool = client("cognito-identity").create_identity_pool(IdentityPoolName="p", AllowUnauthenticatedIdentities=True)
out("cognito:identitypool", pool["IdentityPoolId"])

s3 = client("s3")
for bucket in "acl-bucket", "many-objects", "enforced-bucket", "ignoring-bucket":
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="a/open.json", Body=b"x", ACL="public-read")
for i in range(1005):
    s3.put_object(Bucket="many-objects", Key=f"k{i:04}", Body=b"x")
s3.put_bucket_ownership_controls(Bucket="enforced-bucket", OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})
s3.put_public_access_block(Bucket="ignoring-bucket", PublicAccessBlockConfiguration={"IgnorePublicAcls": True})
out("s3:objectacl", "acl-bucket/a/open.json")
