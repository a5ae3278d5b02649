"""Judges made trails with the AWS CLI's own validator, over files in memory.

Reads cases as JSON on standard input: [{"objects": {key: base64}, "signatures": {key: hex},
"keys": [PublicKey], "bucket": name, "start": time, "end": time}]. Prints for each case the exit
code that `aws cloudtrail validate-logs` would have, and what it says of each object.
"""

import base64
import io
import json
import sys

from botocore.exceptions import ClientError

from awscli.customizations.cloudtrail import validation


class Body:
    def __init__(self, data):
        self.stream = io.BytesIO(data)

    def read(self, amount=-1):
        return self.stream.read(amount)


class Pages:
    def __init__(self, keys):
        self.keys = keys

    def paginate(self, Bucket, Marker, Prefix):
        self.found = sorted(k for k in self.keys if k > Marker and k.startswith(Prefix))
        return self

    def search(self, _):
        return iter(self.found)


class S3:
    def __init__(self, case):
        self.case = case

    def get_client(self, _bucket):
        return self

    def get_paginator(self, _operation):
        return Pages(self.case["objects"])

    def get_object(self, Bucket, Key):
        if Key not in self.case["objects"]:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": "gone"}}, "GetObject")
        metadata = {}
        if Key in self.case["signatures"]:
            metadata = {
                "signature": self.case["signatures"][Key],
                "signature-algorithm": "SHA256withRSA",
            }
        if Key.endswith("_backfill.json.gz"):
            metadata["backfill-generation-timestamp"] = "2026-03-02T00:00:00Z"
        body = Body(base64.b64decode(self.case["objects"][Key]))
        return {"Body": body, "Metadata": metadata}


class CloudTrail:
    def __init__(self, case):
        self.case = case

    def list_public_keys(self, StartTime, EndTime):
        return {"PublicKeyList": self.case["keys"]}


def judge(case):
    said = {}
    command = validation.CloudTrailValidateLogs(None)
    command.trail_arn = "arn:aws:cloudtrail:us-east-1:111122223333:trail/main"
    command.is_verbose = True
    command.s3_bucket = case["bucket"]
    command.start_time = validation.normalize_date(validation.parse_date(case["start"]))
    command.end_time = validation.normalize_date(validation.parse_date(case["end"]))
    command.s3_client_provider = S3(case)
    command.cloudtrail_client = CloudTrail(case)
    command.organization_client = None
    command._source_region = "us-east-1"

    def note(message, is_error=False):
        parts = message.split("\t")
        if len(parts) == 3:
            key = parts[1].split("/", 3)[3]
            said.setdefault(key, []).append(parts[2])

    command._write_status = note
    command._write_startup_text = command._write_summary_text = lambda: None
    command._call()
    invalid = (
        command._invalid_digests + command._invalid_backfill_digests + command._invalid_logs
    )
    return {"code": 1 if invalid else 0, "said": said}


json.dump([judge(case) for case in json.load(sys.stdin)], sys.stdout)
