"""Argo's kinds as JSON Schema: ours, or those of the folder ``ARGO_CRDS``; unknown fields are refused there."""

import functools
import os
from pathlib import Path

import jsonschema
import yaml

from argovx_lab.sandbox.kubernetes import crds


@functools.cache
def _schemas():
    folder = os.environ.get("ARGO_CRDS")
    files = sorted(Path(folder).glob("*.yaml")) if folder else []
    found = [yaml.load(file.read_text(), yaml.CSafeLoader) for file in files] or crds.definitions()
    kinds = {one["spec"]["names"]["kind"]: one["spec"]["versions"][0]["schema"] for one in found}
    return {kind: _strict(schema["openAPIV3Schema"]) for kind, schema in kinds.items()}


def _strict(schema):
    if isinstance(schema, list):
        return [_strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _strict(value) for key, value in schema.items() if not key.startswith("x-")}
    if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        found.setdefault("additionalProperties", False)
    return found


def check(manifest):
    """Raise when a manifest is not what its definition says, unknown fields included where it lists all."""
    body = {key: value for key, value in manifest.items() if key != "metadata"}
    schema = dict(_schemas()[manifest["kind"]])
    schema["properties"] = {**schema["properties"], "metadata": {}}
    schema["required"] = [name for name in schema.get("required", ()) if name != "metadata"]
    jsonschema.validate(body, schema)
