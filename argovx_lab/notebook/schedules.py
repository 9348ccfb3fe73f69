"""``%argovx schedule``: the whole notebook as a CronWorkflow; list, pause, go on, remove.

Values of this kernel travel as they are now, by digest: a schedule runs what was planned when it was made.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from argovx_lab.cluster.crons import Crons
from argovx_lab.compile import schedule as cron
from argovx_lab.errors import SpecError
from argovx_lab.model import names
from argovx_lab.notebook import whole, words
from argovx_lab.notebook.session import Session
from argovx_lab.runs.words import local_time

USAGE = (
    'Write: %argovx schedule "0 3 * * *" [STEPS] [--tz ZONE] [--name NAME] [--param NAME=VALUE] [--dry-run],'
    " or: schedule list | pause NAME | resume NAME | remove NAME"
)


def schedule(session: Session, shell: Any, line: str) -> Any:
    """Make a schedule, or look after those that there are.

    Raises
    ------
    ArgovxError
        One line and a hint; nothing was made then.
    """
    typed = words.read(
        line,
        values=("--tz", "--name", "--param"),
        switches=("--dry-run",),
        repeated=("--param",),
        usage=USAGE,
    )
    if not typed.words:
        raise SpecError("%argovx schedule needs a cron expression, or a verb", hint=USAGE)
    first, *rest = typed.words
    session.begin()
    crons = Crons(session.services.cluster, session.profile.user)
    if not first.quoted and first.text in ("list", "pause", "resume", "remove"):
        return _verb(crons, first, rest, typed)
    try:
        cron.check(first.text)
        cron.zone(typed.value("--tz"))
    except SpecError as error:
        raise words.at(first, error.message, error.hint) from None
    plan = whole.make(session, shell, whole.wished(rest, typed))
    body = cron.cron(plan.manifest, _name(session, typed.value("--name")), first.text, typed.value("--tz"))
    if "--dry-run" in typed.switches:
        return plan
    plan.send()
    crons.create(body)
    zone = typed.value("--tz") or "the cluster's time zone"
    return [
        f"schedule {body['metadata']['name']}: {len(plan.parts)} steps at {first.text} in {zone}",
        "Values of this kernel travel as they are now; make the schedule anew to change them.",
    ]


def _verb(crons: Crons, verb: words.Word, rest: list[words.Word], typed: words.Typed) -> list[str]:
    if typed.values or typed.switches or len(rest) != (verb.text != "list"):
        raise words.at(
            verb, f"schedule {verb.text} takes {'a name' if verb.text != 'list' else 'nothing'}", USAGE
        )
    if verb.text == "list":
        return [_line(found) for found in crons.all()] or ["No schedules yet."]
    name = rest[0].text
    if verb.text == "remove":
        crons.remove(name)
        return [f"schedule {name} is removed; runs that it made stay"]
    crons.suspend(name, suspended=verb.text == "pause")
    return [f"schedule {name} {'is paused' if verb.text == 'pause' else 'goes on'}"]


def _line(found: dict[str, Any]) -> str:
    spec, status = found["spec"], found.get("status") or {}
    last = status.get("lastScheduledTime")
    parts = (
        found["metadata"]["name"],
        ", ".join(spec.get("schedules") or []),
        spec.get("timezone") or "cluster's time",
        "paused" if spec.get("suspend") else "active",
        f"last {local_time(last)}" if last else "has not run yet",
    )
    return " · ".join(parts)


def _name(session: Session, named: str) -> str:
    stem = named or (PurePosixPath(session.place.path).stem or "notebook").lower()
    name = names.slug(stem, cron.NAME_MAX)
    if named and name != named:
        raise SpecError(
            f"--name {named!r} cannot name a schedule",
            hint=f"Use small letters, digits and '-', at most {cron.NAME_MAX}: {name}.",
        )
    return name
