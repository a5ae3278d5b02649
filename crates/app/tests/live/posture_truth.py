#!/usr/bin/env python3
"""A moto server with bad, good and near-miss resources for the checks of posture.

usage: posture_truth.py PORT

Prints, a line each, CHECK<tab>bad|good|near<tab>RESOURCE, then `ready`, and serves until its standard input ends. Needs boto3 and moto.
A near miss looks like the fault and is none. Dates of the past, which no call can set, are set in moto's own models.
"""
import json
import sys
from datetime import datetime, timedelta, timezone

import boto3
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

PORT, REGION, ACCOUNT, N = int(sys.argv[1]), "us-east-1", "123456789012", 5
FRIEND, STRANGER = "444455556666", "999988887777"
server = ThreadedMotoServer("127.0.0.1", PORT, verbose=False)
server.start()
NOW = datetime.now(timezone.utc).replace(tzinfo=None)


def client(name):
    made = boto3.client(name, endpoint_url=f"http://127.0.0.1:{PORT}", region_name=REGION, aws_access_key_id="t", aws_secret_access_key="t")
    if name == "s3control":  # its host has the account in front, which a loopback address cannot have
        made.meta.events.register("before-sign", lambda request, **_: setattr(request, "url", request.url.replace(f"{ACCOUNT}.127", "127")))
    return made


iam, s3, sqs, sns, ec2, rds = (client(n) for n in ["iam", "s3", "sqs", "sns", "ec2", "rds"])


def policy(**statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


def each(check, bad, good, near, make):
    """Makes five of each: `make(name, what)` gives the resource; a list of fewer than five is repeated."""
    for sort, kinds in ("bad", bad), ("good", good), ("near", near):
        for i in range(N):
            name = f"{check.lower()}-{sort}-{i}"
            print(check, sort, make(name, kinds[i % len(kinds)]), sep="\t")


def days(n):
    return NOW - timedelta(days=n)


def models(service, where="aws"):
    import importlib
    module = importlib.import_module(f"moto.{service}.models")
    return getattr(module, f"{service}_backends")[ACCOUNT][where]


# Users. Two checks share fifteen of them, in another order: each user costs the snapshot six calls.
SHARED_USERS = {"cred-02": ("cred-01", 5), "cred-06": ("cred-03", 10), "cred-07": ("cred-04", 5)}
people = {}


def user(name, **more):
    """ARN of the user who stands for `cred-02-bad-0`."""
    check, sort, i = name.rsplit("-", 2)
    first, turn = SHARED_USERS.get(check, (check, 0))
    number = (["bad", "good", "near"].index(sort) * N + int(i) + turn) % (3 * N)
    people[name] = f"{first}-{number}"
    try:
        return iam.create_user(UserName=people[name], **more)["User"]["Arn"]
    except iam.exceptions.EntityAlreadyExistsException:
        return iam.get_user(UserName=people[name])["User"]["Arn"]


def console(name, what):
    arn = user(name)
    if what != "no password":
        iam.create_login_profile(UserName=people[name], Password="Correct-horse-7")
    if what == "mfa":
        mfa = iam.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]["SerialNumber"]
        iam.enable_mfa_device(UserName=people[name], SerialNumber=mfa, AuthenticationCode1="123456", AuthenticationCode2="654321")
    if what == "password was removed":
        iam.delete_login_profile(UserName=people[name])
    return arn


def key(name, made, used=None, active=True):
    from moto.iam.models import AccessKeyLastUsed
    id = iam.create_access_key(UserName=people[name])["AccessKey"]["AccessKeyId"]
    if not active:
        iam.update_access_key(UserName=people[name], AccessKeyId=id, Status="Inactive")
    of_user = next(k for k in models("iam").users[people[name]].access_keys if k.access_key_id == id)
    of_user.create_date = days(made)
    if used is not None:
        of_user.last_used = AccessKeyLastUsed(days(used), "s3", REGION)
    return id


def one_key(name, what):
    arn = user(name)
    return arn + "/" + key(name, **what)


def two_keys(name, what):
    arn = user(name)
    for active in what:
        key(name, 1, active=active)
    return arn


def old_credential(name, what):
    arn = user(name)
    for kind, active in what:
        if kind == "ssh":
            id = iam.upload_ssh_public_key(UserName=people[name], SSHPublicKeyBody="ssh-rsa AAAA " + name)["SSHPublicKey"]["SSHPublicKeyId"]
            if not active:
                iam.update_ssh_public_key(UserName=people[name], SSHPublicKeyId=id, Status="Inactive")
        else:
            id = iam.upload_signing_certificate(UserName=people[name], CertificateBody=certificate())["Certificate"]["CertificateId"]
            if not active:
                iam.update_signing_certificate(UserName=people[name], CertificateId=id, Status="Inactive")
    return arn


def certificate():
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bartizan.test")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number()).not_valid_before(datetime(2020, 1, 1)).not_valid_after(datetime(2040, 1, 1))
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def managed(name, document, path="/"):
    return iam.create_policy(PolicyName=name, PolicyDocument=document, Path=path)["Policy"]["Arn"]


def aws_managed(name):
    """A policy of AWS; moto makes policies of the account only."""
    from moto.iam.models import AWSManagedPolicy
    arn = f"arn:aws:iam::aws:policy/{name}"
    if arn not in models("iam").managed_policies:
        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "iam:CreateUser", "Resource": "*"}]}
        data = {"Arn": arn, "Path": "/", "CreateDate": "2020-01-01T00:00:00+00:00", "UpdateDate": "2020-01-01T00:00:00+00:00",
                "DefaultVersionId": "v1", "Document": document, "AttachmentCount": 0}
        models("iam").managed_policies[arn] = AWSManagedPolicy.from_data(name, ACCOUNT, "us-east-1", data)
    return arn


def quarantined(name, what):
    arn = user(name)
    if what:
        iam.attach_user_policy(UserName=people[name], PolicyArn=what(name))
    return arn


def in_group(name, what):
    arn = user(name, **({"PermissionsBoundary": READER} if what == "boundary" else {}))
    if what == "inline":
        iam.put_user_policy(UserName=people[name], PolicyName="p", PolicyDocument=READ)
    if what == "attached":
        iam.attach_user_policy(UserName=people[name], PolicyArn=READER)
    if what == "group":
        iam.add_user_to_group(GroupName="readers", UserName=people[name])
    return arn


READ = policy(Action="s3:GetObject", Resource="arn:aws:s3:::reports/*")
READER = managed("reader", READ)
iam.create_group(GroupName="readers")
iam.attach_group_policy(GroupName="readers", PolicyArn=READER)
OWN = f"arn:aws:iam::{ACCOUNT}"

each("CRED-01", ["password"], ["mfa"], ["no password", "password was removed"], console)
each("CRED-02", [{"made": 91}, {"made": 400, "used": 1}], [{"made": 0}, {"made": 60}], [{"made": 900, "active": False}, {"made": 89}], one_key)
each("CRED-03", [{"made": 200}, {"made": 300, "used": 100}], [{"made": 10, "used": 1}, {"made": 5}],
     [{"made": 300, "used": 3}, {"made": 200, "active": False}], one_key)
each("CRED-04", [[True, True]], [[True]], [[True, False], [False, False]], two_keys)
each("CRED-06", [[("ssh", True)], [("cert", True)]], [[]], [[("ssh", False)], [("cert", False)]], old_credential)
each("CRED-07", [lambda n, v=v: aws_managed("AWSCompromisedKeyQuarantine" + v) for v in ["", "V2", "V3"]], [None],
     [lambda n: managed(n + "-AWSCompromisedKeyQuarantineV2", READ), lambda n: managed("AWSCompromisedKeyQuarantineV3", READ, f"/{n}/")], quarantined)
each("POL-04", ["inline", "attached"], ["group", "nothing"], ["boundary"], in_group)


# Roles by their policies.
EC2 = policy(Principal={"Service": "ec2.amazonaws.com"}, Action="sts:AssumeRole")


def role(name, trust=EC2, document=None):
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    if document:
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document)
    return arn


def holder(name, document):
    return role(name, document=document)


def deny(**statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["s3:Get*", "sts:AssumeRole"], "Resource": OWN + ":role/ci/*"}, {"Effect": "Deny", **statement}]})


each("POL-01", [policy(Action="*", Resource="*"), policy(Action=["s3:Get*", "*:*"], Resource=["*"]), policy(Sid="All", Action=["*"], Resource=["*", "arn:aws:s3:::reports"])], [READ],
     [policy(Action="*", Resource="*", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}), policy(Action="s3:*", Resource="*"),
      policy(Action="*", Resource="arn:aws:s3:::reports/*"), deny(Action="*", Resource="*"), policy(Action=["ec2:*", "sqs:*"], Resource="*")], holder)
each("POL-02", [policy(Action="iam:PutRolePolicy", Resource="*"), policy(Action="iam:Attach*", Resource="*"), policy(Action="iam:*", Resource="*"),
                policy(Action=["iam:UpdateAssumeRolePolicy", "sts:AssumeRole"], Resource="*"),
                policy(Action=["iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction", "ec2:RunInstances"], Resource="*")], [READ],
     [policy(Action=["iam:Get*", "iam:List*"], Resource="*"), policy(Action="iam:PassRole", Resource="*"), policy(Action="ec2:RunInstances", Resource="*"),
      policy(Action="iam:CreateAccessKey", Resource=OWN + ":user/${aws:username}"), policy(Action="s3:Put*", Resource="*")], holder)
each("POL-03", [policy(NotAction="iam:*", Resource="*"), policy(Action="s3:*", NotResource="arn:aws:s3:::payroll/*")], [READ],
     [deny(NotAction="s3:*", Resource="*"), deny(Action="s3:*", NotResource="arn:aws:s3:::reports/*")], holder)
each("POL-05", [policy(Action="sts:AssumeRole", Resource="*"), policy(Action="sts:*", Resource="*"), policy(Action="sts:Assume*", Resource=OWN + ":role/*")],
     [READ], [policy(Action="sts:AssumeRole", Resource=OWN + ":role/ci/*"), deny(Action="sts:AssumeRole", Resource="*"),
              policy(Action="sts:GetCallerIdentity", Resource="*")], holder)


# Roles by their trust.
def trusts(principal, action="sts:AssumeRole", **condition):
    return policy(Principal=principal, Action=action, **({"Condition": condition} if condition else {}))


def github(**condition):
    return trusts({"Federated": OWN + ":oidc-provider/token.actions.githubusercontent.com"}, "sts:AssumeRoleWithWebIdentity", **condition)


def subject(value, operator="StringLike"):
    return github(**{operator: {"token.actions.githubusercontent.com:sub": value}})


organization = client("organizations")
organization_id = organization.create_organization(FeatureSet="ALL")["Organization"]["Id"]
MEMBER = organization.create_account(AccountName="member", Email="member@example.com")["CreateAccountStatus"]["AccountId"]
EXTERNAL_ID = {"StringEquals": {"sts:ExternalId": "7f3a"}}

each("POL-06", [github(StringEquals={"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}), subject("repo:*"), subject("repo:acme*"),
                subject("repo:*/infra:*"), github()], [subject("repo:acme/infra:ref:refs/heads/main", "StringEquals"), EC2],
     [subject("repo:acme/infra:*"), subject("repo:acme/*"), trusts({"Federated": OWN + ":saml-provider/okta"}, "sts:AssumeRoleWithSAML")],
     role)
each("TRUST-01", [trusts("*"), trusts({"AWS": "*"}), trusts({"AWS": "*"}, **EXTERNAL_ID), trusts("*", StringLike={"aws:PrincipalOrgID": "o-*"}),
                  trusts({"AWS": "*"}, ArnLike={"aws:PrincipalArn": "arn:aws:iam::*:role/ci"})], [EC2, trusts({"AWS": ACCOUNT})],
     [trusts("*", StringEquals={"aws:PrincipalOrgID": organization_id}), trusts("*", StringEquals={"aws:PrincipalAccount": ACCOUNT}),
      trusts({"AWS": "*"}, ArnLike={"aws:PrincipalArn": OWN + ":role/ci"}), trusts({"AWS": STRANGER}), trusts({"AWS": MEMBER})], role)
each("TRUST-02", [trusts({"AWS": STRANGER}), trusts({"AWS": f"arn:aws:iam::{STRANGER}:root"}), trusts({"AWS": STRANGER}, **EXTERNAL_ID),
                  trusts({"AWS": [FRIEND, STRANGER]}), trusts("*", StringEquals={"aws:PrincipalAccount": STRANGER})], [EC2, trusts({"AWS": ACCOUNT})],
     [trusts({"AWS": MEMBER}), trusts({"AWS": f"arn:aws:iam::{FRIEND}:root"}), trusts("*", StringEquals={"aws:PrincipalOrgID": organization_id})], role)
each("TRUST-03", [trusts({"AWS": STRANGER}), trusts({"AWS": STRANGER}, StringLike={"sts:ExternalId": "*"}),
                  trusts({"AWS": f"arn:aws:iam::{FRIEND}:role/scan"}), trusts({"AWS": STRANGER}, Bool={"aws:MultiFactorAuthPresent": "true"})],
     [trusts({"AWS": STRANGER}, **EXTERNAL_ID)], [trusts({"AWS": MEMBER}), trusts({"AWS": ACCOUNT}), EC2], role)


def queue(name, document):
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    if document:
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def topic(name, document):
    arn = sns.create_topic(Name=name)["TopicArn"]
    if document:
        sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=document)
    return arn


def lets(principal, action="sqs:SendMessage", resource="*", **condition):
    return policy(Principal=principal, Action=action, Resource=resource, **({"Condition": condition} if condition else {}))


SERVICE = {"Service": "s3.amazonaws.com"}
each("TRUST-04", [lets(SERVICE), lets(SERVICE, ArnLike={"aws:SourceArn": "arn:aws:s3:::*"}), lets({"Service": "events.amazonaws.com"})],
     [lets({"AWS": ACCOUNT})],
     [lets(SERVICE, StringEquals={"aws:SourceAccount": ACCOUNT}), lets(SERVICE, ArnLike={"aws:SourceArn": "arn:aws:s3:::reports"}),
      lets({"Service": "events.amazonaws.com"}, ArnEquals={"aws:SourceArn": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/r"})], queue)
LIVING = iam.create_role(RoleName="living", AssumeRolePolicyDocument=EC2)["Role"]["RoleId"]
each("TRUST-05", [lets({"AWS": "AROAGONEGONEGONEGONE1"}), lets({"AWS": "AIDAGONEGONEGONEGONE1"}), lets({"AWS": [ACCOUNT, "AIDAGONEGONEGONEGONE1"]})],
     [lets({"AWS": ACCOUNT})], [lets({"AWS": LIVING}), lets({"AWS": OWN + ":role/living"})], queue)
IN_RANGE = {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
OPEN = [lets("*"), lets({"AWS": "*"}), lets("*", IpAddress={"aws:SourceIp": ["0.0.0.0/1", "128.0.0.0/1"]}), lets("*", Bool={"aws:SecureTransport": "true"}),
        lets("*", StringLike={"aws:PrincipalArn": "arn:aws:iam::*:role/*"})]
NEARLY = [lets("*", **IN_RANGE), lets("*", StringEquals={"aws:PrincipalOrgID": organization_id}), lets("*", StringEquals={"aws:SourceAccount": ACCOUNT}),
          lets({"AWS": STRANGER}), lets("*", ArnEquals={"aws:SourceArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:t"})]
each("PUB-03", OPEN, [lets({"AWS": ACCOUNT}), None], NEARLY, queue)
each("PUB-04", [p.replace("sqs:SendMessage", "sns:Publish") for p in OPEN], [lets({"AWS": ACCOUNT}, "sns:Publish"), None],
     [p.replace("sqs:SendMessage", "sns:Publish") for p in NEARLY], topic)
each("XACC-01", [lets({"AWS": STRANGER}), lets({"AWS": f"arn:aws:iam::{STRANGER}:user/u"}), lets("*", StringEquals={"aws:PrincipalAccount": STRANGER}),
                 lets("*", StringEquals={"aws:PrincipalOrgID": "o-foreign111"})], [lets({"AWS": ACCOUNT})],
     [lets({"AWS": FRIEND}), lets({"AWS": MEMBER}), lets("*"), lets("*", StringEquals={"aws:PrincipalOrgID": organization_id})], queue)

kms, secrets, ecr = client("kms"), client("secretsmanager"), client("ecr")


def guarded(name, what):
    sort, document = what
    if sort == "key":
        id = kms.create_key(Policy=document.replace("sqs:SendMessage", "kms:Decrypt"))["KeyMetadata"]["KeyId"]
        return f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{id}"
    if sort == "secret":
        arn = secrets.create_secret(Name=name, SecretString="x")["ARN"]
        secrets.put_resource_policy(SecretId=arn, ResourcePolicy=document.replace("sqs:SendMessage", "secretsmanager:GetSecretValue"))
        return arn
    ecr.create_repository(repositoryName=name)
    ecr.set_repository_policy(repositoryName=name, policyText=document.replace("sqs:SendMessage", "ecr:BatchGetImage"))
    return f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{name}"


SORTS = ["key", "secret", "repository", "key", "secret"]
each("PUB-05", list(zip(SORTS, OPEN)), [(s, lets({"AWS": ACCOUNT})) for s in SORTS], [
    ("key", lets("*", StringEquals={"kms:CallerAccount": ACCOUNT})), *zip(SORTS[1:], NEARLY[1:2] + NEARLY[:1] + NEARLY[3:4] + NEARLY[1:2])], guarded)


# Buckets.
ALL = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}


def bucket(name, what):
    """`what`: document, acl, flags, ownership, log, versioned, lock, days."""
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=bool(what.get("lock")))
    ownership = what.get("ownership", "ObjectWriter")
    s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    if "acl" in what:
        s3.put_bucket_acl(Bucket=name, ACL=what["acl"])
    if "document" in what:
        s3.put_bucket_policy(Bucket=name, Policy=what["document"].replace("BUCKET", name))
    s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls={"Rules": [{"ObjectOwnership": ownership}]})
    if "flags" in what:
        s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=what["flags"])
    if what.get("log"):
        s3.put_bucket_logging(Bucket=name, BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": "access-logs", "TargetPrefix": name}})
    if what.get("versioned"):
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": what["versioned"]})
    if "days" in what:
        s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": [
            {"ID": "r", "Status": what.get("rule", "Enabled"), "Filter": {"Prefix": ""}, "Expiration": {"Days": what["days"]}}]})
    return f"arn:aws:s3:::{name}"


bucket("access-logs", {"acl": "log-delivery-write", "flags": ALL})
READS = "arn:aws:s3:::BUCKET/*"
PUBLIC = lets("*", "s3:GetObject", READS)
WITHOUT = {k: {**ALL, k: False} for k in ALL}
each("PUB-01", [{"document": PUBLIC}, {"acl": "public-read"}, {"acl": "public-read-write"}, {"acl": "authenticated-read"},
                {"document": PUBLIC, "flags": WITHOUT["RestrictPublicBuckets"]}],
     [{"flags": ALL, "ownership": "BucketOwnerEnforced"}, {}],
     [{"document": PUBLIC, "flags": {"RestrictPublicBuckets": True}}, {"document": lets("*", "s3:GetObject", READS, **IN_RANGE)},
      {"acl": "public-read", "flags": {"IgnorePublicAcls": True}}, {"acl": "public-read", "ownership": "BucketOwnerEnforced"},
      {"document": lets({"AWS": STRANGER}, "s3:GetObject", READS)}], bucket)
CLOSED = {"flags": ALL, "ownership": "BucketOwnerEnforced"}
each("PUB-02", [{}, {"flags": ALL}, {"flags": WITHOUT["BlockPublicPolicy"], "ownership": "BucketOwnerEnforced"},
                {"flags": WITHOUT["IgnorePublicAcls"], "ownership": "BucketOwnerEnforced"}, {"flags": ALL, "ownership": "BucketOwnerPreferred"}], [CLOSED],
     [{**CLOSED, "document": PUBLIC}, {**CLOSED, "acl": "public-read"}], bucket)


def in_bucket(name, what):
    if name not in made:
        bucket(name, {k: v for k, v in what.items() if k != "object"})
        made.add(name)
    s3.put_object(Bucket=name, Key="a/b.json", Body=b"x", ACL=what["object"])
    return f"arn:aws:s3:::{name}/a/b.json"


made = set()
each("PUB-09", [{"object": "public-read"}, {"object": "authenticated-read"}, {"object": "public-read-write"}], [{"object": "private"}],
     [{"object": "bucket-owner-full-control"}, {"object": "private", "document": PUBLIC}], in_bucket)

# Trails and their buckets.
trail = client("cloudtrail")
KEY = kms.create_key()["KeyMetadata"]["Arn"]


def logged(name, what):
    """A trail that writes to a bucket of LOG-03 or LOG-05."""
    arn = trail.create_trail(Name=name, S3BucketName=waiting.pop(), EnableLogFileValidation=what.get("validated", True),
                             **({"KmsKeyId": KEY} if what.get("key", True) else {}))["TrailARN"]
    trail.start_logging(Name=arn)
    if "selectors" in what:
        trail.put_event_selectors(TrailName=arn, **what["selectors"])
    return arn


def advanced(*fields):
    return {"AdvancedEventSelectors": [{"Name": "n", "FieldSelectors": [{"Field": f, "Equals": [v]} for f, v in fields]}]}


waiting = []


def trail_bucket(name, what):
    waiting.append(name)
    return bucket(name, what)


GOOD_LOG = {**CLOSED, "lock": True, "versioned": "Enabled", "log": True}
each("LOG-03", [{**GOOD_LOG, "lock": False}, {**GOOD_LOG, "lock": False, "versioned": "Suspended"}, {**GOOD_LOG, "days": 30}, {**GOOD_LOG, "days": 364},
                {**GOOD_LOG, "document": PUBLIC, "flags": WITHOUT["RestrictPublicBuckets"]}], [GOOD_LOG],
     [{**GOOD_LOG, "days": 366}, {**GOOD_LOG, "days": 1, "rule": "Disabled"}, {**GOOD_LOG, "document": PUBLIC}], trail_bucket)


def log_bucket(name, what):
    return (trail_bucket if what.pop("trail", False) else bucket)(name, what)


each("LOG-05", [{"trail": True, **CLOSED}, {"document": PUBLIC}, {"acl": "public-read"}, {"document": PUBLIC, "acl": "public-read"}, {"acl": "public-read-write"}],
     [{"trail": True, "log": True}, {"document": PUBLIC, "log": True}, {"acl": "public-read", "log": True}, {"document": PUBLIC, "log": True},
      {"acl": "public-read-write", "log": True}],
     [CLOSED, {"document": PUBLIC, "flags": ALL}, {"document": lets("*", "s3:GetObject", READS, **IN_RANGE)}, {"acl": "public-read", "flags": ALL}, {}],
     log_bucket)

MANAGEMENT = advanced(("eventCategory", "Management"))
each("LOG-02", [{"validated": False}, {"key": False}, {"selectors": {"EventSelectors": [{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True}]}},
                {"selectors": {"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": False}]}},
                {"selectors": advanced(("eventCategory", "Data"), ("resources.type", "AWS::S3::Object"))}],
     [{"selectors": {"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": True}]}}],
     [{"selectors": MANAGEMENT}, {"selectors": {"EventSelectors": [
         {"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True}, {"ReadWriteType": "All", "IncludeManagementEvents": True}]}}], logged)


for name in list(waiting):
    logged(name, {})

# Network.
vpc = ec2.describe_vpcs(Filters=[{"Name": "isDefault", "Values": ["true"]}])["Vpcs"][0]["VpcId"]


def rule(first, last, *ranges, protocol="tcp"):
    return {"IpProtocol": protocol, "FromPort": first, "ToPort": last, "IpRanges": [{"CidrIp": r} for r in ranges if ":" not in r],
            "Ipv6Ranges": [{"CidrIpv6": r} for r in ranges if ":" in r]}


def ec2_arn(kind, id):
    return f"arn:aws:ec2:{REGION}:{ACCOUNT}:{kind}/{id}"


def group_id(name, rules, where=None):
    id = ec2.create_security_group(GroupName=name, Description="d", VpcId=where or vpc)["GroupId"]
    if rules:
        ec2.authorize_security_group_ingress(GroupId=id, IpPermissions=rules)
    return id


def group(name, rules):
    return ec2_arn("security-group", group_id(name, rules))


WORLD = "0.0.0.0/0"
each("NET-01", [[rule(22, 22, WORLD)], [rule(0, 65535, "::/0")], [rule(3000, 3400, "0.0.0.0/1", "128.0.0.0/1")], [rule(-1, -1, WORLD, protocol="-1")],
                [rule(443, 443, WORLD), rule(6379, 6379, WORLD)]], [[], [rule(22, 22, "10.0.0.0/8")]],
     [[rule(443, 443, WORLD)], [rule(22, 22, WORLD, protocol="udp")], [rule(22, 22, "0.0.0.0/1")], [rule(80, 80, WORLD, "::/0")],
      [rule(22, 22, "203.0.113.0/24", "2001:db8::/32")]], group)


def default_group(name, rules):
    where = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    id = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [where]}])["SecurityGroups"][0]["GroupId"]
    if rules:
        ec2.authorize_security_group_ingress(GroupId=id, IpPermissions=rules)
    return ec2_arn("security-group", id)


def acl_id(entries, where=None):
    id = ec2.create_network_acl(VpcId=where or vpc)["NetworkAcl"]["NetworkAclId"]
    for number, (action, cidr, ports) in enumerate(entries, 1):
        ec2.create_network_acl_entry(NetworkAclId=id, RuleNumber=number * 10, Protocol="6" if ports else "-1", RuleAction=action, Egress=False, CidrBlock=cidr,
                                     **({"PortRange": {"From": ports[0], "To": ports[1]}} if ports else {}))
    return id


def default_or_acl(name, what):
    sort, entries = what
    return default_group(name, entries) if sort == "group" else ec2_arn("network-acl", acl_id(entries))


each("NET-02", [("group", [rule(80, 80, WORLD)]), ("group", [rule(-1, -1, "::/0", protocol="-1")]), ("acl", [("allow", WORLD, None)]),
                ("acl", [("allow", WORLD, (0, 1024))]), ("acl", [("deny", WORLD, (443, 443)), ("allow", WORLD, (3389, 3389))])],
     [("group", []), ("acl", [])],
     [("group", [rule(22, 22, "10.0.0.0/8")]), ("acl", [("deny", WORLD, (0, 65535)), ("allow", WORLD, None)]), ("acl", [("allow", WORLD, (443, 443))]),
      ("acl", [("allow", "10.0.0.0/8", None)]), ("group", [rule(22, 22, "0.0.0.0/1")])], default_or_acl)

image = ec2.register_image(Name="image", RootDeviceName="/dev/sda1", VirtualizationType="hvm", Architecture="x86_64")["ImageId"]
gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
wide = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=wide)
routed = ec2.create_route_table(VpcId=wide)["RouteTable"]["RouteTableId"]
ec2.create_route(RouteTableId=routed, DestinationCidrBlock=WORLD, GatewayId=gateway)
subnets = 0


def subnet(is_routed, acl=None):
    global subnets
    id = ec2.create_subnet(VpcId=wide, CidrBlock=f"10.8.{subnets}.0/24")["Subnet"]["SubnetId"]
    subnets += 1
    if is_routed:
        ec2.associate_route_table(RouteTableId=routed, SubnetId=id)
    if acl:
        default = next(a for n in ec2.describe_network_acls()["NetworkAcls"] for a in n["Associations"] if a["SubnetId"] == id)
        ec2.replace_network_acl_association(AssociationId=default["NetworkAclAssociationId"], NetworkAclId=acl)
    return id


OPEN_GROUP, CLOSED_GROUP, WEB_GROUP = (group_id(f"net-03-{n}", r, wide) for n, r in enumerate(
    [[rule(22, 22, WORLD)], [rule(22, 22, "10.0.0.0/8")], [rule(443, 443, WORLD)]]))
PUBLIC_SUBNET, PRIVATE_SUBNET = subnet(True), subnet(False)
GUARDED_SUBNET = subnet(True, acl_id([("deny", WORLD, (22, 22)), ("allow", WORLD, None)], wide))


def instance(name, what):
    where = what.get("subnet", PRIVATE_SUBNET)
    interface = {"DeviceIndex": 0, "SubnetId": where, "Groups": [what.get("group", CLOSED_GROUP)], "AssociatePublicIpAddress": what.get("public", False)}
    id = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, NetworkInterfaces=[interface], **what.get("run", {}))["Instances"][0]["InstanceId"]
    if what.get("stopped"):
        ec2.stop_instances(InstanceIds=[id])
    if "age" in what:
        models("ec2", REGION).get_instance(id).launch_time = days(what["age"])
    return ec2_arn("instance", id)


REACHED = {"subnet": PUBLIC_SUBNET, "group": OPEN_GROUP, "public": True}
each("NET-03", [REACHED], [{}], [{**REACHED, "public": False}, {**REACHED, "subnet": PRIVATE_SUBNET}, {**REACHED, "subnet": GUARDED_SUBNET},
                                 {**REACHED, "group": WEB_GROUP}, {**REACHED, "stopped": True}], instance)
OPTIONS = [{"HttpTokens": "required", "HttpEndpoint": "enabled"}, {"HttpTokens": "optional", "HttpEndpoint": "disabled"},
           {"HttpTokens": "required", "HttpEndpoint": "disabled"}]
each("NET-04", [{"run": {"MetadataOptions": {"HttpTokens": "optional", "HttpEndpoint": "enabled"}}}, {}], [{"run": {"MetadataOptions": OPTIONS[0]}}],
     [{"run": {"MetadataOptions": o}} for o in OPTIONS[1:]], instance)
each("AGE-01", [{"age": 91}, {"age": 400}], [{"age": 1}], [{"age": 89}, {"age": 400, "stopped": True}], instance)

# What is shared, and what stands on the Internet.
volume = ec2.create_volume(AvailabilityZone=REGION + "a", Size=1)["VolumeId"]
STORE = {"DBInstanceClass": "db.t3.micro", "Engine": "postgres", "MasterUsername": "u", "MasterUserPassword": "Passw0rd1", "AllocatedStorage": 20}
rds.create_db_instance(DBInstanceIdentifier="source", **STORE)


def shared(name, what):
    sort, groups, accounts = what
    if sort == "snapshot":
        id = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
        ec2.modify_snapshot_attribute(SnapshotId=id, Attribute="createVolumePermission", OperationType="add", GroupNames=groups, UserIds=accounts)
        return ec2_arn("snapshot", id)
    if sort == "image":
        id = ec2.register_image(Name=name, RootDeviceName="/dev/sda1", VirtualizationType="hvm", Architecture="x86_64")["ImageId"]
        if groups or accounts:
            permissions = [{"Group": g} for g in groups] + [{"UserId": a} for a in accounts]
            ec2.modify_image_attribute(ImageId=id, LaunchPermission={"Add": permissions})
        return ec2_arn("image", id)
    arn = rds.create_db_snapshot(DBInstanceIdentifier="source", DBSnapshotIdentifier=name)["DBSnapshot"]["DBSnapshotArn"]
    if groups or accounts:
        rds.modify_db_snapshot_attribute(DBSnapshotIdentifier=name, AttributeName="restore", ValuesToAdd=groups + accounts)
    return arn


# moto does not say whether a region blocks the sharing of snapshots, so that a public one is unknown here.
each("PUB-06", [("image", ["all"], []), ("database", ["all"], []), ("database", ["all", STRANGER], []), ("image", ["all"], [STRANGER])],
     [("snapshot", [], []), ("image", [], []), ("database", [], [])],
     [("snapshot", [], [STRANGER]), ("image", [], [STRANGER]), ("database", [], [STRANGER])], shared)
LETS_WORLD, LETS_OFFICE, LETS_WEB = (group_id(f"pub-07-{n}", r) for n, r in enumerate(
    [[rule(5432, 5432, WORLD)], [rule(5432, 5432, "203.0.113.0/24")], [rule(443, 443, WORLD)]]))


def endpoint(name, what):
    public, group = what
    return rds.create_db_instance(DBInstanceIdentifier=name, PubliclyAccessible=public, VpcSecurityGroupIds=[group], Port=5432, **STORE)["DBInstance"][
        "DBInstanceArn"]


each("PUB-07", [(True, LETS_WORLD)], [(False, LETS_OFFICE)], [(False, LETS_WORLD), (True, LETS_OFFICE), (True, LETS_WEB)], endpoint)
rest, http, pools = client("apigateway"), client("apigatewayv2"), client("cognito-identity")


def api(name, what):
    sort, method, authorization = what
    if sort in ["REGIONAL", "PRIVATE"]:
        id = rest.create_rest_api(name=name, endpointConfiguration={"types": [sort]})["id"]
        resource = rest.get_resources(restApiId=id)["items"][0]["id"]
        rest.put_method(restApiId=id, resourceId=resource, httpMethod=method, authorizationType=authorization)
        return f"arn:aws:apigateway:{REGION}::/restapis/{id}"
    if sort == "http":
        id = http.create_api(Name=name, ProtocolType="HTTP")["ApiId"]
        http.create_route(ApiId=id, RouteKey=method, AuthorizationType=authorization)
        return f"arn:aws:apigateway:{REGION}::/apis/{id}"
    id = pools.create_identity_pool(IdentityPoolName=name, AllowUnauthenticatedIdentities=method)["IdentityPoolId"]
    if authorization:
        pools.set_identity_pool_roles(IdentityPoolId=id, Roles={"unauthenticated": OWN + ":role/living"})
    return f"arn:aws:cognito-identity:{REGION}:{ACCOUNT}:identitypool/{id}"


each("PUB-08", [("REGIONAL", "GET", "NONE"), ("http", "GET /x", "NONE")],
     [("REGIONAL", "GET", "AWS_IAM"), ("http", "GET /x", "AWS_IAM"), ("pool", False, False)],
     [("REGIONAL", "OPTIONS", "NONE"), ("PRIVATE", "GET", "NONE"), ("http", "OPTIONS /x", "NONE")], api)
front = client("cloudfront")


def distribution(name, signers):
    origin = {"Id": "o", "DomainName": "example.com", "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}}
    behavior = {"TargetOriginId": "o", "ViewerProtocolPolicy": "https-only", "MinTTL": 0,
                "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}}, **signers}
    return front.create_distribution(DistributionConfig={"CallerReference": name, "Comment": name, "Enabled": True, "DefaultCacheBehavior": behavior,
                                                         "Origins": {"Quantity": 1, "Items": [origin]}})["Distribution"]["ARN"]


each("CRED-08", [{"TrustedSigners": {"Enabled": True, "Quantity": 1, "Items": ["self"]}}, {"TrustedSigners": {
    "Enabled": True, "Quantity": 2, "Items": ["self", FRIEND]}}], [{}], [{"TrustedSigners": {"Enabled": False, "Quantity": 0}}, {"TrustedKeyGroups": {
        "Enabled": True, "Quantity": 1, "Items": ["k"]}}], distribution)

print("ready", flush=True)
sys.stdin.read()
