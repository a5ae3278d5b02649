#!/usr/bin/env python3
"""Receivers of alerts.

usage: receivers.py certificate FOLDER     an authority (ca.pem) and a server of it for localhost
       receivers.py mail FOLDER PORT       a mail server with TLS and a login; mails end in FOLDER
       receivers.py mails FOLDER           the mails as JSON
       receivers.py aws URL                topic, bus, queues and secret on moto
       receivers.py received URL           what the queues and Security Hub have
"""
import asyncio
import datetime
import json
import os
import sys


def certificate(folder):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    now = datetime.datetime.now(datetime.timezone.utc)

    def make(name, issuer, key, signer, extensions):
        builder = (x509.CertificateBuilder().subject_name(name).issuer_name(issuer).public_key(key.public_key())
                   .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
                   .not_valid_after(now + datetime.timedelta(days=2)))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(signer, hashes.SHA256())

    def named(text):
        return x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, text)])

    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = make(named("tests"), named("tests"), authority_key, authority_key,
                     [(x509.BasicConstraints(ca=True, path_length=None), True)])
    server = make(named("localhost"), named("tests"), key, authority_key,
                  [(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False),
                   (x509.BasicConstraints(ca=False, path_length=None), True)])
    pem = serialization.Encoding.PEM
    for name, data in [
        ("ca.pem", authority.public_bytes(pem)),
        ("server.pem", server.public_bytes(pem)),
        ("server.key", key.private_bytes(pem, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())),
    ]:
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)


def mail(folder, port):
    import ssl
    from aiosmtpd.smtp import SMTP, AuthResult

    class Keep:
        count = 0

        async def handle_DATA(self, server, session, envelope):
            self.count += 1
            with open(os.path.join(folder, f"{self.count:03}.eml"), "wb") as file:
                file.write(envelope.content)
            return "250 kept"

    def login(server, session, envelope, mechanism, data):
        return AuthResult(success=(data.login, data.password) == (b"alarm", b"canary-secret-of-mail"), handled=False)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(folder, "server.pem"), os.path.join(folder, "server.key"))
    keep = Keep()

    async def serve():
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: SMTP(keep, authenticator=login, auth_required=True, auth_require_tls=False, loop=loop),
            "127.0.0.1", int(port), ssl=context)
        await server.serve_forever()

    asyncio.run(serve())


def mails(folder):
    from email import policy, message_from_bytes
    found = []
    for name in sorted(os.listdir(folder)):
        if name.endswith(".eml"):
            with open(os.path.join(folder, name), "rb") as file:
                message = message_from_bytes(file.read(), policy=policy.default)
            found.append({"subject": message["subject"], "to": message["to"], "key": message["x-bartizan-key"],
                          "text": message.get_body(("plain",)).get_content(),
                          "html": message.get_body(("html",)).get_content()})
    print(json.dumps(found))


def client(service, url):
    import boto3
    return boto3.client(service, endpoint_url=url, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")


def aws(url):
    sqs, sns, events = (client(s, url) for s in ("sqs", "sns", "events"))
    arns = {}
    for name in ("alerts", "events"):
        queue = sqs.create_queue(QueueName=name)["QueueUrl"]
        arns[name] = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arns["alerts"])
    events.create_event_bus(Name="alarms")
    events.put_rule(Name="all", EventBusName="alarms", EventPattern=json.dumps({"source": ["bartizan"]}))
    events.put_targets(Rule="all", EventBusName="alarms", Targets=[{"Id": "queue", "Arn": arns["events"]}])
    client("secretsmanager", url).create_secret(Name="hook", SecretString="whsec_Y2FuYXJ5LXNlY3JldC1rZXk=")


def received(url):
    sqs = client("sqs", url)
    got = {}
    for name in ("alerts", "events"):
        queue, got[name] = sqs.get_queue_url(QueueName=name)["QueueUrl"], []
        while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                body = json.loads(message["Body"])
                got[name].append(json.loads(body["Message"]) if name == "alerts" else body["detail"])
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    pages = client("securityhub", url).get_paginator("get_findings").paginate()
    got["findings"] = [finding for page in pages for finding in page["Findings"]]
    print(json.dumps(got, default=str))


globals()[sys.argv[1]](*sys.argv[2:])
