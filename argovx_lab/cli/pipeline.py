"""What an exported script calls: submit its Workflow, follow it, end as it ended.

Owns the check that the script is whole: each document is what its digest says, and each step's specification
is the one that the Workflow names. Refuses to submit with a profile of somebody else.
"""

from __future__ import annotations

import base64
import binascii
import copy
import hashlib
import secrets
import sys
import threading
from collections.abc import Mapping
from typing import Any

from argovx_lab.errors import ArgovxError, NotFound, SpecError
from argovx_lab.model import names
from argovx_lab.model.layout import split_uri
from argovx_lab.model.ours import leaves, refusal
from argovx_lab.model.run import Phase, Run
from argovx_lab.runs.words import state_line
from argovx_lab.wiring import Services, load_profile, read_path

Manifest = dict[str, Any]

#: How often the state is looked at when nothing is heard. Unit: seconds.
LOOK_S = 1.0

#: A Workflow that is not to be seen for so many looks is lost.
LOOKS_MAX = 60

_GOOD = (Phase.SUCCEEDED, Phase.CACHED, Phase.SKIPPED)


def main(workflow: Manifest, documents: Mapping[str, str]) -> int:
    """Run an exported Workflow and wait for its end.

    Parameters
    ----------
    workflow : dict
        The Workflow, with ``generateName``.
    documents : mapping
        SHA-256 → bytes in base64.

    Returns
    -------
    int
        0 when everything succeeded or was skipped; else the exit code of what went wrong.
    """
    try:
        services = Services(load_profile())
        _check(workflow, services)
        _send(workflow, _decoded(documents), services)
        name = _submit(workflow, services)
        return _follow(name, services)
    except ArgovxError as error:
        hint = f"\n  {error.hint}" if error.hint else ""
        sys.stderr.write(f"{error.message}{hint}\n")
        return error.exit_code


def _check(workflow: Manifest, services: Services) -> None:
    profile, meta = services.profile, workflow["metadata"]
    if meta["namespace"] != profile.namespace:
        raise SpecError(
            f"the Workflow is for namespace {meta['namespace']}, but profile {profile.name}"
            f" works in {profile.namespace}",
            hint="Set ARGOVX_PROFILE to the profile that it was exported with.",
        )
    why = refusal(workflow, profile.user)
    if why:
        raise SpecError(f"the Workflow is not one of {profile.user}'s: {why}", hint="Export it again.")


def _decoded(documents: Mapping[str, str]) -> dict[str, bytes]:
    found = {}
    for digest, text in documents.items():
        try:
            data = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as error:
            raise SpecError(
                f"document {digest[:12]}… is not base64", hint="Export the script again."
            ) from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise SpecError(f"document {digest[:12]}… was changed", hint="Export the script again.")
        found[digest] = data
    return found


def _send(workflow: Manifest, documents: Mapping[str, bytes], services: Services) -> None:
    """Upload what is not there, and make sure that each step's specification is."""
    objects, layout = services.objects, services.profile.layout
    for content in documents.values():
        objects.create_content(layout, content)
    for leaf in leaves(workflow["spec"]):
        if leaf.kind != "step":
            continue
        given = {p["name"]: p["value"] for p in leaf.task["arguments"]["parameters"]}
        bucket, name = split_uri(given["spec"])
        if given["spec-digest"] not in documents or bucket != layout.bucket:
            raise SpecError(
                f"the specification of {leaf.name} is not in this script, or for bucket {bucket}",
                hint="Export the script again with this profile.",
            )
        if objects.stat(bucket, name) is None:
            raise NotFound(f"{given['spec']} is not there", hint="Export the script again.")


def _submit(workflow: Manifest, services: Services) -> str:
    body = copy.deepcopy(workflow)
    name = f"{body['metadata'].pop('generateName')}{secrets.token_hex(3)}"
    body["metadata"]["name"] = name
    services.cluster.create_workflow(body)
    plan = body["metadata"]["annotations"][names.ANNOTATION_PLAN]
    sys.stdout.write(f"run {name} · profile {services.profile.name} · plan {plan}\n")
    sys.stdout.flush()
    return name


def _follow(name: str, services: Services) -> int:
    path = read_path(services)
    woken = threading.Event()
    end = path.store.listen(woken.set)
    said: dict[str, Phase] = {}
    missing = 0
    try:
        while True:
            run = path.follower.workflow(name)
            if run is None:
                missing += 1
                if missing > LOOKS_MAX:
                    raise NotFound(f"Workflow {name} is not to be seen", hint="Run: argovx doctor")
            else:
                missing = 0
                _say(run, said)
                if all(node.phase.final for node in run.nodes):
                    return _code(run)
            woken.wait(LOOK_S)
            woken.clear()
    finally:
        end()
        path.stop()


def _say(run: Run, said: dict[str, Phase]) -> None:
    for node in run.nodes:
        if said.get(node.id) is not node.phase:
            said[node.id] = node.phase
            sys.stdout.write(f"{state_line(node)}\n")
    sys.stdout.flush()


def _code(run: Run) -> int:
    for node in run.nodes:
        if node.phase not in _GOOD:
            return (node.exit.code if node.exit else None) or 1
    return 0
