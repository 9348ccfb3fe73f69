"""Workflows that are made again and again: a CronWorkflow, and a file that anybody submits.

Owns both shapes, and the reading of a cron expression. Each Workflow that comes of them is a run of its own:
it carries no run's label, and its name is the run's id.
"""

from __future__ import annotations

import re
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from argovx_lab.compile.graph import refuse_large
from argovx_lab.errors import SpecError
from argovx_lab.model import names

Manifest = dict[str, Any]

USAGE = 'Write it like "0 3 * * *": minute, hour, day of month, month, day of week.'

#: Longest name of a CronWorkflow. Source: Argo Workflows, ``validateCronWorkflow``: 52 characters.
NAME_MAX = 52

#: Fields of a cron expression: what it is, lowest and highest value, words.
_FIELDS = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of month", 1, 31, ()),
    (
        "month",
        1,
        12,
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
    ),
    ("day of week", 0, 6, ("sun", "mon", "tue", "wed", "thu", "fri", "sat")),
)

_NAMED = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")

_PART = re.compile(r"(\*|\?|\w+(?:-\w+)?)(?:/(\d+))?\Z", re.ASCII)


def reusable(workflow: Manifest) -> Manifest:
    """Return a Workflow as a file that may be submitted any number of times."""
    meta = workflow["metadata"]
    labels = {key: value for key, value in meta["labels"].items() if key != names.LABEL_RUN}
    return {
        "apiVersion": workflow["apiVersion"],
        "kind": workflow["kind"],
        "metadata": {
            "generateName": f"{meta['name']}-",
            "namespace": meta["namespace"],
            "labels": labels,
            "annotations": {**meta["annotations"], names.ANNOTATION_OWN_RUN: "true"},
        },
        "spec": workflow["spec"],
    }


def cron(workflow: Manifest, name: str, expression: str, timezone: str) -> Manifest:
    """Return the CronWorkflow that makes such Workflows.

    Parameters
    ----------
    expression : str
        Five fields, or one of the words such as ``@daily``.
    timezone : str
        Name of the IANA data base; empty for the controller's own.

    Raises
    ------
    SpecError
        For an expression, time zone or name that Argo would not take.
    """
    check(expression)
    zone(timezone)
    plain = reusable(workflow)["metadata"]
    body: Manifest = {
        "apiVersion": workflow["apiVersion"],
        "kind": "CronWorkflow",
        "metadata": {
            "name": name,
            "namespace": plain["namespace"],
            "labels": plain["labels"],
            "annotations": plain["annotations"],
        },
        "spec": {
            "schedules": [expression],
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": 300,
            "workflowMetadata": {"labels": plain["labels"], "annotations": plain["annotations"]},
            "workflowSpec": workflow["spec"],
        },
    }
    if timezone:
        body["spec"]["timezone"] = timezone
    refuse_large(body)
    return body


def zone(timezone: str) -> None:
    """Refuse a time zone that there is not.

    Raises
    ------
    SpecError
        Naming it.
    """
    if not timezone:
        return
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SpecError(
            f"{timezone!r} is no time zone", hint="Write it like Europe/Zurich or UTC."
        ) from error


def check(expression: str) -> None:
    """Refuse a cron expression that cannot be read.

    Raises
    ------
    SpecError
        Naming the field, and its column within the expression.
    """
    if expression.startswith("@"):
        if expression not in _NAMED:
            raise SpecError(f"{expression!r} is no schedule", hint=f"There are {', '.join(_NAMED)}.")
        return
    found = list(re.finditer(r"\S+", expression))
    if len(found) != len(_FIELDS):
        raise SpecError(f"{expression!r} has {len(found)} fields, not {len(_FIELDS)}", hint=USAGE)
    for match, (what, low, high, words) in zip(found, _FIELDS, strict=True):
        if not all(_fits(part, low, high, words) for part in match.group().lower().split(",")):
            raise SpecError(
                f"schedule, column {match.start() + 1}: {match.group()!r} is no {what} ({low} to {high})",
                hint=USAGE,
            )


def _fits(part: str, low: int, high: int, words: tuple[str, ...]) -> bool:
    match = _PART.match(part)
    if match is None or (match.group(2) is not None and int(match.group(2)) < 1):
        return False
    if match.group(1) in ("*", "?"):
        return True
    ends = [
        words.index(text) + low if text in words else int(text) if text.isdigit() else -1
        for text in match.group(1).split("-")
    ]
    return all(low <= end <= high for end in ends) and ends == sorted(ends)
