#!/usr/bin/python3
#
# validate.py SCHEMA FILE...: what a JSON Schema validator that is not ours
# (python3-jsonschema) says of each FILE: {"FILE": [[pointer, message]...]},
# or {"FILE": null} for what is no JSON.

import json
import sys

from jsonschema import Draft202012Validator


def pointer(path):
    return "".join(
        "/" + str(part).replace("~", "~0").replace("/", "~1") for part in path
    )


def errors(validator, file):
    with open(file, encoding="utf-8") as text:
        try:
            table = json.load(text)
        except ValueError:
            return None
    return [
        [pointer(error.absolute_path), error.message]
        for error in validator.iter_errors(table)
    ]


with open(sys.argv[1], encoding="utf-8") as text:
    schema = json.load(text)
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema)
json.dump({file: errors(validator, file) for file in sys.argv[2:]}, sys.stdout)
