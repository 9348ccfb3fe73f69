"""Earlier attempts of the same step: where a retry finds their checkpoints.

Owns the judgement: the same run, task, spec and inputs. Refuses to end a step because it cannot look.
"""

from __future__ import annotations

import re

from argovx_lab.errors import ArgovxError
from argovx_lab.runner import documents
from argovx_lab.runner.bucket import Bucket

_ATTEMPT = re.compile(r"([0-9]{1,6})-[0-9a-f]{8}\Z", re.ASCII)

#: How many earlier attempts are looked at, the newest first.
ATTEMPTS_MAX = 10


def checkpoints_of_earlier(bucket: Bucket, intent: documents.Intent, replica: int) -> list[tuple[str, str]]:
    """Return ``(gs://…/checkpoints/r<replica>/, "attempt n")`` of earlier attempts, the newest first.

    An attempt that adopted another one's job is that other one, and counts once.
    """
    if not intent.ordinal:
        return []
    task = intent.prefix.rstrip("/").rpartition("/")[0] + "/"
    found: list[tuple[int, str]] = []
    try:
        for folder in bucket.folders(task):
            match = _ATTEMPT.match(folder.rstrip("/").rpartition("/")[2])
            if match and int(match.group(1)) < intent.ordinal:
                found.append((int(match.group(1)), folder))
    except ArgovxError:
        return []
    found = sorted(found, reverse=True)[:ATTEMPTS_MAX]
    return [
        ("%scheckpoints/r%d/" % (folder, replica), "attempt %d" % ordinal)
        for ordinal, folder in found
        if _same(bucket, folder, intent)
    ]


def _same(bucket: Bucket, folder: str, intent: documents.Intent) -> bool:
    """Tell whether the attempt in ``folder`` ran the same code on the same inputs."""
    try:
        other = documents.intent(bucket.read(folder + "intent.json"))
    except ArgovxError:
        return False
    mine = (intent.workflow_uid, intent.task, intent.spec.digest, intent.outputs)
    if (other.workflow_uid, other.task, other.spec.digest, other.outputs) != mine or other.prefix != folder:
        return False
    return {name: blob.digest for name, blob in other.inputs.items()} == {
        name: blob.digest for name, blob in intent.inputs.items()
    }
