"""The bill of a moto: three months of CloudWatch's estimate, and presets of Cost Explorer, with GPU
instances in ap-south-1 in the last three days before END (a date)."""
import datetime as dt
import json
import sys
import urllib.request

import boto3

url, end = sys.argv[1], dt.date.fromisoformat(sys.argv[2])
keys = dict(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
cloudwatch = boto3.client("cloudwatch", endpoint_url=url, **keys)
start = end - dt.timedelta(days=91)
days = [start + dt.timedelta(days=n) for n in range(91)]


def cost(service, day):
    weekday = 1 + day.weekday() % 3 * .01
    if service == "AmazonEC2":
        return 20 * weekday + (600 if day >= end - dt.timedelta(days=3) else 0)
    return 5 * weekday


for service in [None, "AmazonEC2", "AmazonS3"]:
    total, data = 0, []
    names = [service] if service else ["AmazonEC2", "AmazonS3"]
    for day in days:
        if day.day == 1:
            total = 0
        for hour in [6, 12, 18, 23]:
            total += sum(cost(n, day) for n in names) / 4
            stamp = dt.datetime(day.year, day.month, day.day, hour, tzinfo=dt.timezone.utc)
            dimensions = [{"Name": "Currency", "Value": "USD"}]
            if service:
                dimensions.append({"Name": "ServiceName", "Value": service})
            data.append({"MetricName": "EstimatedCharges", "Timestamp": stamp, "Value": round(total, 2),
                         "Dimensions": dimensions})
    for n in range(0, len(data), 500):
        cloudwatch.put_metric_data(Namespace="AWS/Billing", MetricData=data[n:n + 500])


def view(groups, *keys):
    results = []
    for day in days:
        rows = []
        for key, amount in groups(day):
            rows.append({"Keys": key, "Metrics": {
                "UnblendedCost": {"Amount": f"{amount:.6f}", "Unit": "USD"},
                "UsageQuantity": {"Amount": "24", "Unit": "N/A"}}})
        results.append({"TimePeriod": {"Start": str(day), "End": str(day + dt.timedelta(days=1))}, "Total": {},
                        "Groups": rows, "Estimated": False})
    return {"GroupDefinitions": [{"Type": "DIMENSION", "Key": key} for key in keys],
            "ResultsByTime": results, "DimensionValueAttributes": []}


def by_region(day):
    yield ["Amazon Elastic Compute Cloud - Compute", "us-east-1"], cost("AmazonS3", day) * 4
    yield ["Amazon Simple Storage Service", "us-east-1"], cost("AmazonS3", day)
    if day >= end - dt.timedelta(days=3):
        yield ["Amazon Elastic Compute Cloud - Compute", "ap-south-1"], 600


def by_account(day):
    yield ["123456789012", "Amazon Elastic Compute Cloud - Compute"], cost("AmazonEC2", day)
    yield ["123456789012", "Amazon Simple Storage Service"], cost("AmazonS3", day)


body = json.dumps({"account_id": "123456789012", "results": [view(by_region, "SERVICE", "REGION"), view(by_account, "LINKED_ACCOUNT", "SERVICE")]}).encode()
request = urllib.request.Request(url + "/moto-api/static/ce/cost-and-usage-results", body,
                                 {"Content-Type": "application/json"})
print(urllib.request.urlopen(request).status)
