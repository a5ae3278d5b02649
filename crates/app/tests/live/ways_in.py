#!/usr/bin/env python3
"""Ways in on a moto server, between two snapshots, in two of its regions.

usage: ways_in.py before|after ENDPOINT
"""
import json
import sys

import boto3

STEP, ENDPOINT = sys.argv[1:]
ACCOUNT = "123456789012"


def client(service, region="us-east-1"):
    return boto3.client(service, endpoint_url=ENDPOINT, region_name=region, aws_access_key_id="test", aws_secret_access_key="test")


def policy(**statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


iam, s3 = client("iam"), client("s3")
if STEP == "before":
    own = policy(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, Action="sts:AssumeRole")
    iam.create_role(RoleName="ops", AssumeRolePolicyDocument=own)
    iam.create_user(UserName="bob")
    s3.create_bucket(Bucket="payroll")
    for region in ["us-east-1", "eu-west-1"]:
        client("sqs", region).create_queue(QueueName="orders")
        ec2 = client("ec2", region)
        zone = f"{region}a"
        volume = ec2.create_volume(AvailabilityZone=zone, Size=1)["VolumeId"]
        ec2.create_snapshot(VolumeId=volume, Description="backup")
else:
    iam.create_role(RoleName="helper", AssumeRolePolicyDocument=policy(Principal={"AWS": "*"}, Action="sts:AssumeRole"))
    iam.update_assume_role_policy(RoleName="ops", PolicyDocument=policy(Principal={"AWS": "*"}, Action="sts:AssumeRole"))
    iam.create_user(UserName="support")
    iam.put_user_policy(UserName="support", PolicyName="all", PolicyDocument=policy(Action="*", Resource="*"))
    s3.put_bucket_policy(Bucket="payroll", Policy=policy(Principal="*", Action="s3:GetObject", Resource="arn:aws:s3:::payroll/*"))
    for region in ["us-east-1", "eu-west-1"]:
        sqs = client("sqs", region)
        url = sqs.get_queue_url(QueueName="orders")["QueueUrl"]
        arn = f"arn:aws:sqs:{region}:{ACCOUNT}:orders"
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(Principal="*", Action="sqs:*", Resource=arn)})
        ec2 = client("ec2", region)
        snapshot = ec2.describe_snapshots(OwnerIds=["self"], Filters=[{"Name": "description", "Values": ["backup"]}])
        ec2.modify_snapshot_attribute(
            SnapshotId=snapshot["Snapshots"][0]["SnapshotId"], Attribute="createVolumePermission", OperationType="add", UserIds=["999988887777"])
