#!/usr/bin/env python3
"""Fill a moto server with at least five of every P0 kind that moto has, or change one of each kind.

usage: seed_moto.py seed|change ENDPOINT

Prints, a line each, the facts that must now exist (`seed`: KIND<tab>ID) or the changes that a diff must show
(`change`: VERDICT<tab>KIND<tab>ID). Needs boto3; nothing is stored by this script.
"""
import io
import json
import sys
import time
import zipfile

import boto3

N = 5
ACCOUNT = "123456789012"
WHAT, ENDPOINT = sys.argv[1], sys.argv[2]
CERT = """-----BEGIN CERTIFICATE-----
MIIBszCCAVmgAwIBAgIUBartizanTestCertificate0wCgYIKoZIzj0EAwIwDzEN
-----END CERTIFICATE-----"""


def client(name, region="us-east-1"):
    made = boto3.client(name, endpoint_url=ENDPOINT, region_name=region, aws_access_key_id="test", aws_secret_access_key="test")
    if name == "s3control":  # its host has the account in front, which a loopback address cannot have
        made.meta.events.register("before-sign", lambda request, **_: setattr(request, "url", request.url.replace(f"{ACCOUNT}.127", "127")))
    return made


iam, s3, sqs, sns, ec2 = client("iam"), client("s3"), client("sqs"), client("sns"), client("ec2")
trail, kms, secrets, lam, org = client("cloudtrail"), client("kms"), client("secretsmanager"), client("lambda"), client("organizations")
s3control, s3control_west = client("s3control"), client("s3control", "us-west-2")


def policy(action="s3:GetObject", resource="*", principal=None):
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    if principal:
        statement["Principal"] = principal
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def trust(service="ec2.amazonaws.com"):
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def out(*fields):
    print("\t".join(fields))


def certificate():
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from datetime import datetime
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bartizan.test")])
    cert = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(datetime(2020, 1, 1)).not_valid_after(datetime(2040, 1, 1))
            .sign(key, hashes.SHA256()))
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return cert.public_bytes(serialization.Encoding.PEM).decode(), private.decode()


def code():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("main.py", "def handler(event, context):\n    return 1\n")
    return buffer.getvalue()


def seed_iam():
    cert, private = certificate()
    metadata = "<EntityDescriptor>" + "x" * 1100 + "</EntityDescriptor>"
    for i in range(N):
        user, group, role = f"user{i}", f"group{i}", f"role{i}"
        iam.create_user(UserName=user)
        out("iam:user", user)
        iam.put_user_policy(UserName=user, PolicyName="inline", PolicyDocument=policy())
        out("iam:userpolicy", f"{user}/inline")
        iam.create_group(GroupName=group)
        out("iam:group", group)
        iam.put_group_policy(GroupName=group, PolicyName="inline", PolicyDocument=policy())
        out("iam:grouppolicy", f"{group}/inline")
        iam.add_user_to_group(GroupName=group, UserName=user)
        out("iam:useringroup", f"{user}/{group}")
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust())
        out("iam:role", role)
        out("iam:assumerolepolicy", role)
        iam.put_role_policy(RoleName=role, PolicyName="inline", PolicyDocument=policy())
        out("iam:rolepolicy", f"{role}/inline")
        arn = iam.create_policy(PolicyName=f"policy{i}", PolicyDocument=policy())["Policy"]["Arn"]
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy("s3:ListBucket"), SetAsDefault=False)
        iam.attach_role_policy(RoleName=role, PolicyArn=arn)
        for kind, id in [("iam:policy", arn), ("iam:managedpolicy", arn), ("iam:policyversion", arn + "/v2")]:
            out(kind, id)
        key = iam.create_access_key(UserName=user)["AccessKey"]["AccessKeyId"]
        out("iam:accesskey", f"{user}/{key}")
        out("iam:accesskeylastused", f"{user}/{key}")
        iam.create_login_profile(UserName=user, Password="Correct-horse-7")
        out("iam:loginprofile", user)
        mfa = iam.create_virtual_mfa_device(VirtualMFADeviceName=f"mfa{i}")["VirtualMFADevice"]["SerialNumber"]
        iam.enable_mfa_device(UserName=user, SerialNumber=mfa, AuthenticationCode1="123456", AuthenticationCode2="654321")
        out("iam:mfadevice", f"{user}/{mfa}")
        out("iam:virtualmfadevice", mfa)
        id = iam.upload_signing_certificate(UserName=user, CertificateBody=cert)["Certificate"]["CertificateId"]
        out("iam:signingcertificate", f"{user}/{id}")
        id = iam.upload_ssh_public_key(UserName=user, SSHPublicKeyBody="ssh-rsa AAAA" + str(i))["SSHPublicKey"]["SSHPublicKeyId"]
        out("iam:sshpublickey", f"{user}/{id}")
        iam.upload_server_certificate(ServerCertificateName=f"cert{i}", CertificateBody=cert, PrivateKey=private)
        out("iam:servercertificate", f"cert{i}")
        out("iam:samlprovider", iam.create_saml_provider(SAMLMetadataDocument=metadata, Name=f"saml{i}")["SAMLProviderArn"])
        arn = iam.create_open_id_connect_provider(Url=f"https://idp{i}.example.com", ThumbprintList=["a" * 40], ClientIDList=["c"])
        out("iam:oidcprovider", arn["OpenIDConnectProviderArn"])
        out("iam:credentialreport", user)
    iam.update_account_password_policy(MinimumPasswordLength=14)
    iam.create_account_alias(AccountAlias="bartizan-test")
    for kind, id in [("iam:passwordpolicy", "account"), ("iam:accountalias", "bartizan-test"), ("iam:accountsummary", "account")]:
        out(kind, id)


BUCKET_KINDS = ["bucket", "bucketlocation", "bucketpolicy", "bucketpolicystatus", "bucketacl", "bucketpublicaccessblock",
                "bucketownershipcontrols", "bucketversioning", "bucketlogging", "bucketencryption", "bucketwebsite", "bucketcors",
                "bucketnotification", "bucketlifecycle", "buckettagging", "bucketobjectlock", "bucketreplication"]


def seed_s3():
    queue = sqs.create_queue(QueueName="s3-events")["QueueUrl"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    s3.create_bucket(Bucket="logs")
    s3.create_bucket(Bucket="copies")
    s3.put_bucket_versioning(Bucket="copies", VersioningConfiguration={"Status": "Enabled"})
    for i in range(N):
        b = f"bucket-{i}.with.dots"
        s3.create_bucket(Bucket=b, ObjectLockEnabledForBucket=True)
        s3.put_bucket_policy(Bucket=b, Policy=policy(resource=f"arn:aws:s3:::{b}/*", principal={"AWS": ACCOUNT}))
        s3.put_public_access_block(Bucket=b, PublicAccessBlockConfiguration={"BlockPublicAcls": True, "IgnorePublicAcls": True,
                                                                            "BlockPublicPolicy": True, "RestrictPublicBuckets": True})
        s3.put_bucket_ownership_controls(Bucket=b, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})
        s3.put_bucket_encryption(Bucket=b, ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]})
        s3.put_bucket_website(Bucket=b, WebsiteConfiguration={"IndexDocument": {"Suffix": "i.html"}})
        s3.put_bucket_cors(Bucket=b, CORSConfiguration={"CORSRules": [{"AllowedMethods": ["GET", "PUT"], "AllowedOrigins": ["*"]}]})
        s3.put_bucket_notification_configuration(Bucket=b, NotificationConfiguration={
            "QueueConfigurations": [{"QueueArn": queue_arn, "Events": ["s3:ObjectCreated:*"]}]})
        s3.put_bucket_lifecycle_configuration(Bucket=b, LifecycleConfiguration={
            "Rules": [{"ID": "r", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 30}}]})
        s3.put_bucket_tagging(Bucket=b, Tagging={"TagSet": [{"Key": "team", "Value": "a<b&c"}]})
        s3.put_bucket_acl(Bucket="logs", ACL="log-delivery-write")
        s3.put_bucket_logging(Bucket=b, BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": "logs", "TargetPrefix": "p"}})
        s3.put_bucket_replication(Bucket=b, ReplicationConfiguration={"Role": f"arn:aws:iam::{ACCOUNT}:role/role0", "Rules": [{
            "Status": "Enabled", "Priority": 1, "Filter": {"Prefix": ""}, "DeleteMarkerReplication": {"Status": "Disabled"},
            "Destination": {"Bucket": "arn:aws:s3:::copies"}}]})
        for kind in BUCKET_KINDS:
            out("s3:" + kind, b)
        s3control_west.create_multi_region_access_point(AccountId=ACCOUNT, ClientToken=f"m{i}", Details={"Name": f"mrap{i}", "Regions": [{"Bucket": b}]})
        s3control_west.put_multi_region_access_point_policy(AccountId=ACCOUNT, ClientToken=f"p{i}", Details={
            "Name": f"mrap{i}", "Policy": policy(principal={"AWS": ACCOUNT})})
        out("s3:multiregionaccesspoint", f"mrap{i}")
        out("s3:multiregionaccesspointpolicy", f"mrap{i}")
        s3control.create_access_point(AccountId=ACCOUNT, Name=f"ap{i}", Bucket=b)
        s3control.put_access_point_policy(AccountId=ACCOUNT, Name=f"ap{i}", Policy=policy(principal={"AWS": ACCOUNT}))
        for kind in ["accesspoint", "accesspointpolicy", "accesspointpolicystatus"]:
            out("s3:" + kind, f"ap{i}")
    for i in range(N):  # ACLs count in this bucket, and in none of the others
        s3.put_object(Bucket="copies", Key=f"folder/o {i}.json", Body=b"x")
        out("s3:objectacl", f"copies/folder/o {i}.json")
    s3control.put_public_access_block(AccountId=ACCOUNT, PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    out("s3:accountpublicaccessblock", "account")


def seed_messages():
    for i in range(N):
        url = sqs.create_queue(QueueName=f"queue{i}")["QueueUrl"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy("sqs:SendMessage", principal={"AWS": ACCOUNT})})
        out("sqs:queue", url)
        out("sqs:queuepolicy", url)
        topic = sns.create_topic(Name=f"topic{i}")["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=f"a{i}@example.com")
        out("sns:topic", topic)
        out("sns:topicpolicy", topic)
        out("sns:subscription", f"{topic}/email/a{i}@example.com")


def seed_ec2():
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    for i in range(N):
        group = ec2.create_security_group(GroupName=f"sg{i}", Description="d", VpcId=vpc)["GroupId"]
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}])
        out("ec2:security_group", group)
        out("ec2:networkinterface", ec2.create_network_interface(SubnetId=subnet, Groups=[group])["NetworkInterface"]["NetworkInterfaceId"])
    for region in ec2.describe_regions()["Regions"]:
        out("ec2:region", region["RegionName"])
    for rule in ec2.describe_security_group_rules()["SecurityGroupRules"]:
        out("ec2:securitygrouprule", rule["SecurityGroupRuleId"])


def seed_keys_and_trails():
    for i in range(N):
        key = kms.create_key(Description=f"k{i}", Policy=policy("kms:*", principal={"AWS": ACCOUNT}))["KeyMetadata"]["KeyId"]
        kms.create_alias(AliasName=f"alias/a{i}", TargetKeyId=key)
        grant = kms.create_grant(KeyId=key, GranteePrincipal=f"arn:aws:iam::{ACCOUNT}:role/role{i}", Operations=["Decrypt"])["GrantId"]
        kms.enable_key_rotation(KeyId=key)
        for kind, id in [("key", key), ("keypolicy", key), ("grant", f"{key}/{grant}"), ("keyrotationstatus", key), ("alias", f"alias/a{i}")]:
            out("kms:" + kind, id)
        arn = trail.create_trail(Name=f"trail{i}", S3BucketName="logs")["TrailARN"]
        trail.start_logging(Name=arn)
        trail.put_event_selectors(TrailName=arn, EventSelectors=[{"ReadWriteType": "All"}])
        trail.put_insight_selectors(TrailName=arn, InsightSelectors=[{"InsightType": "ApiCallRateInsight"}])
        for kind in ["trail", "trailstatus", "eventselectors", "insightselectors", "traillisting"]:
            out("cloudtrail:" + kind, arn)
        arn = secrets.create_secret(Name=f"secret{i}", SecretString="canary-hunter2")["ARN"]
        secrets.put_resource_policy(SecretId=arn, ResourcePolicy=policy("secretsmanager:GetSecretValue", principal={"AWS": ACCOUNT}))
        out("secretsmanager:secret", arn)
        out("secretsmanager:resourcepolicy", arn)


def seed_lambda():
    role = f"arn:aws:iam::{ACCOUNT}:role/role0"
    for i in range(N):
        name = f"function{i}"
        lam.create_function(FunctionName=name, Runtime="python3.12", Role=role, Handler="main.handler", Code={"ZipFile": code()},
                            Publish=True, Environment={"Variables": {"TOKEN": "canary-hunter2"}})
        lam.add_permission(FunctionName=name, StatementId="s", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com")
        alias = lam.create_alias(FunctionName=name, Name="live", FunctionVersion="$LATEST")["AliasArn"]
        layer = lam.publish_layer_version(LayerName=f"layer{i}", Content={"ZipFile": code()})
        lam.add_layer_version_permission(LayerName=f"layer{i}", VersionNumber=1, StatementId="s", Action="lambda:GetLayerVersion", Principal=ACCOUNT)
        url = sqs.get_queue_url(QueueName=f"queue{i}")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        mapping = lam.create_event_source_mapping(EventSourceArn=arn, FunctionName=name)["UUID"]
        for kind, id in [("function", name), ("functionpolicy", name), ("alias", alias), ("layerversion", layer["LayerVersionArn"]),
                         ("eventsourcemapping", mapping), ("functioncodesigning", name), ("aliaspolicy", f"{name}:live"),
                         ("layerversionpolicy", f"layer{i}/1")]:
            out("lambda:" + kind, id)


def seed_org():
    org.create_organization(FeatureSet="ALL")
    out("organizations:organization", "organization")
    root = org.list_roots()["Roots"][0]["Id"]
    out("organizations:root", root)
    org.enable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    org.enable_policy_type(RootId=root, PolicyType="RESOURCE_CONTROL_POLICY")
    for i in range(N):
        account = org.create_account(AccountName=f"a{i}", Email=f"a{i}@example.com")["CreateAccountStatus"]["AccountId"]
        out("organizations:account", account)
        out("organizations:member", f"{root}/{account}")
        unit = org.create_organizational_unit(ParentId=root, Name=f"ou{i}")["OrganizationalUnit"]["Id"]
        child = org.create_organizational_unit(ParentId=unit, Name=f"inner{i}")["OrganizationalUnit"]["Id"]
        out("organizations:organizationalunit", unit)
        out("organizations:organizationalunit", child)
        out("organizations:member", f"{root}/{unit}")
        out("organizations:member", f"{unit}/{child}")
        scp = org.create_policy(Content=policy("*"), Description="d", Name=f"scp{i}", Type="SERVICE_CONTROL_POLICY")
        scp = scp["Policy"]["PolicySummary"]["Id"]
        org.attach_policy(PolicyId=scp, TargetId=account)
        out("organizations:policy", scp)
        out("organizations:policytarget", f"{scp}/{account}")
        rcp = org.create_policy(Content=policy("s3:*"), Description="d", Name=f"rcp{i}", Type="RESOURCE_CONTROL_POLICY")
        out("organizations:policy", rcp["Policy"]["PolicySummary"]["Id"])
        org.register_delegated_administrator(AccountId=account, ServicePrincipal="guardduty.amazonaws.com")
        out("organizations:delegatedadministrator", account)
        out("organizations:delegatedservice", f"{account}/guardduty.amazonaws.com")
        service = ["config", "ram", "sso", "guardduty", "securityhub"][i] + ".amazonaws.com"
        org.enable_aws_service_access(ServicePrincipal=service)
        out("organizations:serviceaccess", service)


def change():
    """One change of each kind, as an intruder or a tired engineer would make it."""
    open_policy = policy("*", principal={"AWS": "999988887777"})
    iam.put_user_policy(UserName="user0", PolicyName="inline", PolicyDocument=policy("*"))
    out("changed", "iam:userpolicy", "user0/inline")
    iam.put_group_policy(GroupName="group0", PolicyName="inline", PolicyDocument=policy("*"))
    out("changed", "iam:grouppolicy", "group0/inline")
    iam.put_role_policy(RoleName="role0", PolicyName="inline", PolicyDocument=policy("*"))
    out("changed", "iam:rolepolicy", "role0/inline")
    iam.update_assume_role_policy(RoleName="role0", PolicyDocument=trust("lambda.amazonaws.com"))
    out("changed", "iam:assumerolepolicy", "role0")
    iam.update_role(RoleName="role0", MaxSessionDuration=7200)
    iam.tag_role(RoleName="role0", Tags=[{"Key": "k", "Value": "v"}])
    out("changed", "iam:role", "role0")
    iam.add_user_to_group(GroupName="group0", UserName="user1")
    out("added", "iam:useringroup", "user1/group0")
    arn = f"arn:aws:iam::{ACCOUNT}:policy/policy0"
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v2")
    out("changed", "iam:policy", arn)
    out("changed", "iam:managedpolicy", arn)
    out("removed", "iam:policyversion", arn + "/v2")
    out("added", "iam:policyversion", arn + "/v1")
    key = iam.create_access_key(UserName="user0")["AccessKey"]["AccessKeyId"]
    out("added", "iam:accesskey", f"user0/{key}")
    out("added", "iam:accesskeylastused", f"user0/{key}")
    out("changed", "iam:credentialreport", "user0")
    first = [k["AccessKeyId"] for k in iam.list_access_keys(UserName="user1")["AccessKeyMetadata"]][0]
    iam.update_access_key(UserName="user1", AccessKeyId=first, Status="Inactive")
    out("changed", "iam:accesskey", f"user1/{first}")
    iam.delete_login_profile(UserName="user0")
    out("removed", "iam:loginprofile", "user0")
    mfa = iam.list_mfa_devices(UserName="user0")["MFADevices"][0]["SerialNumber"]
    iam.deactivate_mfa_device(UserName="user0", SerialNumber=mfa)
    out("removed", "iam:mfadevice", f"user0/{mfa}")
    mfa = iam.create_virtual_mfa_device(VirtualMFADeviceName="mfa-new")["VirtualMFADevice"]["SerialNumber"]
    out("added", "iam:virtualmfadevice", mfa)
    cert = iam.list_signing_certificates(UserName="user0")["Certificates"][0]["CertificateId"]
    iam.delete_signing_certificate(UserName="user0", CertificateId=cert)
    out("removed", "iam:signingcertificate", f"user0/{cert}")
    ssh = iam.list_ssh_public_keys(UserName="user0")["SSHPublicKeys"][0]["SSHPublicKeyId"]
    iam.update_ssh_public_key(UserName="user0", SSHPublicKeyId=ssh, Status="Inactive")
    out("changed", "iam:sshpublickey", f"user0/{ssh}")
    iam.delete_server_certificate(ServerCertificateName="cert0")
    out("removed", "iam:servercertificate", "cert0")
    saml = f"arn:aws:iam::{ACCOUNT}:saml-provider/saml0"
    iam.delete_saml_provider(SAMLProviderArn=saml)
    out("removed", "iam:samlprovider", saml)
    oidc = f"arn:aws:iam::{ACCOUNT}:oidc-provider/idp0.example.com"
    iam.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=oidc, ThumbprintList=["b" * 40])
    out("changed", "iam:oidcprovider", oidc)
    iam.update_account_password_policy(MinimumPasswordLength=6)
    out("changed", "iam:passwordpolicy", "account")
    iam.delete_account_alias(AccountAlias="bartizan-test")
    out("removed", "iam:accountalias", "bartizan-test")
    # user4 goes and comes back under its name: another user.
    for policies in iam.list_user_policies(UserName="user4")["PolicyNames"]:
        iam.delete_user_policy(UserName="user4", PolicyName=policies)
    iam.remove_user_from_group(UserName="user4", GroupName="group4")
    for k in iam.list_access_keys(UserName="user4")["AccessKeyMetadata"]:
        iam.delete_access_key(UserName="user4", AccessKeyId=k["AccessKeyId"])
    iam.delete_login_profile(UserName="user4")
    for device in iam.list_mfa_devices(UserName="user4")["MFADevices"]:
        iam.deactivate_mfa_device(UserName="user4", SerialNumber=device["SerialNumber"])
    for c in iam.list_signing_certificates(UserName="user4")["Certificates"]:
        iam.delete_signing_certificate(UserName="user4", CertificateId=c["CertificateId"])
    for k in iam.list_ssh_public_keys(UserName="user4")["SSHPublicKeys"]:
        iam.delete_ssh_public_key(UserName="user4", SSHPublicKeyId=k["SSHPublicKeyId"])
    iam.delete_user(UserName="user4")
    time.sleep(1.1)
    iam.create_user(UserName="user4")
    out("replaced", "iam:user", "user4")
    iam.create_group(GroupName="group-new")
    out("added", "iam:group", "group-new")
    b = "bucket-0.with.dots"
    s3.put_bucket_policy(Bucket=b, Policy=policy(resource=f"arn:aws:s3:::{b}/*", principal="*"))
    out("changed", "s3:bucketpolicy", b)
    s3.put_bucket_acl(Bucket="logs", ACL="private")
    out("changed", "s3:bucketacl", "logs")
    s3.delete_public_access_block(Bucket=b)
    out("removed", "s3:bucketpublicaccessblock", b)
    s3.delete_bucket_ownership_controls(Bucket=b)
    out("removed", "s3:bucketownershipcontrols", b)
    s3.put_bucket_versioning(Bucket="logs", VersioningConfiguration={"Status": "Enabled"})
    out("changed", "s3:bucketversioning", "logs")
    s3.put_bucket_logging(Bucket=b, BucketLoggingStatus={})
    out("changed", "s3:bucketlogging", b)
    s3.delete_bucket_encryption(Bucket=b)
    out("removed", "s3:bucketencryption", b)
    s3.delete_bucket_website(Bucket=b)
    out("removed", "s3:bucketwebsite", b)
    s3.delete_bucket_cors(Bucket=b)
    out("removed", "s3:bucketcors", b)
    s3.put_bucket_notification_configuration(Bucket=b, NotificationConfiguration={})
    out("changed", "s3:bucketnotification", b)
    s3.delete_bucket_lifecycle(Bucket=b)
    out("removed", "s3:bucketlifecycle", b)
    s3.delete_bucket_tagging(Bucket=b)
    out("removed", "s3:buckettagging", b)
    out("changed", "s3:bucketpolicystatus", b)
    s3.delete_bucket_replication(Bucket=b)
    out("removed", "s3:bucketreplication", b)
    s3.put_object_lock_configuration(Bucket=b, ObjectLockConfiguration={
        "ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}})
    out("changed", "s3:bucketobjectlock", b)
    s3.put_object_acl(Bucket="copies", Key="folder/o 0.json", ACL="public-read")
    out("changed", "s3:objectacl", "copies/folder/o 0.json")
    s3.create_bucket(Bucket="exfil")
    out("added", "s3:bucket", "exfil")
    out("added", "s3:bucketlocation", "exfil")
    s3control_west.create_multi_region_access_point(AccountId=ACCOUNT, ClientToken="new", Details={"Name": "mrap-new", "Regions": [{"Bucket": b}]})
    out("added", "s3:multiregionaccesspoint", "mrap-new")
    s3control_west.put_multi_region_access_point_policy(AccountId=ACCOUNT, ClientToken="evil", Details={"Name": "mrap0", "Policy": open_policy})
    out("changed", "s3:multiregionaccesspointpolicy", "mrap0")
    s3control.put_access_point_policy(AccountId=ACCOUNT, Name="ap0", Policy=open_policy)
    out("changed", "s3:accesspointpolicy", "ap0")
    s3control.create_access_point(AccountId=ACCOUNT, Name="ap-new", Bucket=b)
    out("added", "s3:accesspoint", "ap-new")
    s3control.delete_public_access_block(AccountId=ACCOUNT)
    out("removed", "s3:accountpublicaccessblock", "account")
    url = sqs.get_queue_url(QueueName="queue0")["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": open_policy, "VisibilityTimeout": "77"})
    out("changed", "sqs:queuepolicy", url)
    out("changed", "sqs:queue", url)
    topic = f"arn:aws:sns:us-east-1:{ACCOUNT}:topic0"
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=open_policy)
    out("changed", "sns:topicpolicy", topic)
    sns.set_topic_attributes(TopicArn=topic, AttributeName="DisplayName", AttributeValue="x")
    out("changed", "sns:topic", topic)
    sns.subscribe(TopicArn=topic, Protocol="https", Endpoint="https://evil.example.com/")
    out("added", "sns:subscription", f"{topic}/https/https://evil.example.com/")
    group = ec2.describe_security_groups(GroupNames=["sg0"])["SecurityGroups"][0]["GroupId"]
    answer = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[
        {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])
    out("changed", "ec2:security_group", group)
    out("added", "ec2:securitygrouprule", answer["SecurityGroupRules"][0]["SecurityGroupRuleId"])
    interface = ec2.describe_network_interfaces(Filters=[{"Name": "group-id", "Values": [group]}])["NetworkInterfaces"][0]["NetworkInterfaceId"]
    ec2.delete_network_interface(NetworkInterfaceId=interface)
    out("removed", "ec2:networkinterface", interface)
    arn = trail.create_trail(Name="trail-new", S3BucketName="logs")["TrailARN"]
    out("added", "cloudtrail:traillisting", arn)
    arn = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/trail0"
    trail.stop_logging(Name=arn)
    out("changed", "cloudtrail:trailstatus", arn)
    trail.update_trail(Name=arn, S3BucketName="exfil")
    out("changed", "cloudtrail:trail", arn)
    trail.put_event_selectors(TrailName=arn, EventSelectors=[{"ReadWriteType": "ReadOnly"}])
    out("changed", "cloudtrail:eventselectors", arn)
    trail.put_insight_selectors(TrailName=arn, InsightSelectors=[{"InsightType": "ApiErrorRateInsight"}])
    out("changed", "cloudtrail:insightselectors", arn)
    key = kms.describe_key(KeyId="alias/a0")["KeyMetadata"]["KeyId"]
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=open_policy)
    out("changed", "kms:keypolicy", key)
    kms.disable_key(KeyId=key)
    out("changed", "kms:key", key)
    kms.disable_key_rotation(KeyId=key)
    out("changed", "kms:keyrotationstatus", key)
    grant = kms.create_grant(KeyId=key, GranteePrincipal="arn:aws:iam::999988887777:root", Operations=["Decrypt"])["GrantId"]
    out("added", "kms:grant", f"{key}/{grant}")
    kms.create_alias(AliasName="alias/new", TargetKeyId=key)
    out("added", "kms:alias", "alias/new")
    arn = secrets.describe_secret(SecretId="secret0")["ARN"]
    secrets.put_resource_policy(SecretId=arn, ResourcePolicy=open_policy)
    out("changed", "secretsmanager:resourcepolicy", arn)
    secrets.update_secret(SecretId=arn, Description="x")
    out("changed", "secretsmanager:secret", arn)
    lam.add_permission(FunctionName="function0", StatementId="evil", Action="lambda:InvokeFunction", Principal="999988887777")
    out("changed", "lambda:functionpolicy", "function0")
    out("changed", "lambda:aliaspolicy", "function0:live")
    lam.add_layer_version_permission(LayerName="layer0", VersionNumber=1, StatementId="evil", Action="lambda:GetLayerVersion", Principal="*")
    out("changed", "lambda:layerversionpolicy", "layer0/1")
    lam.update_function_configuration(FunctionName="function0", Environment={"Variables": {"TOKEN": "canary-other"}})
    out("changed", "lambda:function", "function0")
    alias = lam.create_alias(FunctionName="function0", Name="evil", FunctionVersion="$LATEST")["AliasArn"]
    out("added", "lambda:alias", alias)
    out("added", "lambda:layerversion", lam.publish_layer_version(LayerName="layer0", Content={"ZipFile": code()})["LayerVersionArn"])
    mapping = lam.list_event_source_mappings(FunctionName="function0")["EventSourceMappings"][0]["UUID"]
    lam.delete_event_source_mapping(UUID=mapping)
    out("removed", "lambda:eventsourcemapping", mapping)
    scp = [p["Id"] for p in org.list_policies(Filter="SERVICE_CONTROL_POLICY")["Policies"] if p["Name"] == "scp0"][0]
    org.update_policy(PolicyId=scp, Content=policy("s3:*"))
    out("changed", "organizations:policy", scp)
    target = org.list_targets_for_policy(PolicyId=scp)["Targets"][0]["TargetId"]
    org.detach_policy(PolicyId=scp, TargetId=target)
    out("removed", "organizations:policytarget", f"{scp}/{target}")
    account = org.create_account(AccountName="new", Email="new@example.com")["CreateAccountStatus"]["AccountId"]
    out("added", "organizations:account", account)
    root = org.list_roots()["Roots"][0]["Id"]
    unit = org.list_organizational_units_for_parent(ParentId=root)["OrganizationalUnits"][0]["Id"]
    org.move_account(AccountId=target, SourceParentId=root, DestinationParentId=unit)
    out("removed", "organizations:member", f"{root}/{target}")
    out("added", "organizations:member", f"{unit}/{target}")
    org.enable_policy_type(RootId=root, PolicyType="TAG_POLICY")
    out("changed", "organizations:root", root)
    account = org.list_delegated_administrators()["DelegatedAdministrators"][0]["Id"]
    org.deregister_delegated_administrator(AccountId=account, ServicePrincipal="guardduty.amazonaws.com")
    out("removed", "organizations:delegatedadministrator", account)
    out("removed", "organizations:delegatedservice", f"{account}/guardduty.amazonaws.com")
    org.disable_aws_service_access(ServicePrincipal="config.amazonaws.com")
    out("removed", "organizations:serviceaccess", "config.amazonaws.com")
    out("added", "organizations:organizationalunit", org.create_organizational_unit(ParentId=root, Name="ou-new")["OrganizationalUnit"]["Id"])


if WHAT == "seed":
    seed_iam()
    seed_messages()
    seed_s3()
    seed_ec2()
    seed_keys_and_trails()
    seed_lambda()
    seed_org()
else:
    change()
