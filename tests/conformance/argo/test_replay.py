"""Every recording of a real Argo 4.1.2 ends here as it ended there."""

from __future__ import annotations

import re

import argo_replay as replay
import pytest

#: Refused by name, because the engine does not emulate them: the field that the message names.
REFUSED = {
    "container-set": "containerSet",
    "daemon": "daemon",
    "init-and-sidecar": "sidecars",
    "memoize-twice": "memoize",
}
#: Differ from the recording, each with the reason and with what must hold all the same.
DIFFERENT = {
    "retry-unlimited-deadline": (
        "the deadline races pods that took 3–4 s to start; here several attempts fit in",
        r"retry exceeded workflow deadline \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000 UTC",
    ),
}
#: Refused by CEL rules of Argo's own CRDs when the object is created; without them by the engine.
CRD_RULES = {
    "invalid-depends-and-dependencies": r"cannot use both 'depends' and 'dependencies'",
    "invalid-two-kinds": r"multiple template types specified",
}
EXACT = [n for n in replay.names() if n not in REFUSED and n not in DIFFERENT and n not in CRD_RULES]


def played(replays, name: str):
    found = replays[name]
    if isinstance(found, tuple):
        pytest.fail(f"{name} did not end: {found[0]!r}; last seen {found[1].get('status')}")
    return found


@pytest.mark.parametrize("name", EXACT)
def test_replays_field_by_field(replays, name):
    replay.check(played(replays, name), name)


@pytest.mark.parametrize(("name", "field"), REFUSED.items())
def test_what_is_not_emulated_is_refused_by_name(replays, name, field):
    status = played(replays, name).final["status"]
    assert status["phase"] == "Error"
    assert f".{field} is not supported by the sandbox's engine" in status["message"]
    assert not status.get("nodes")


@pytest.mark.parametrize("name", DIFFERENT)
def test_known_differences_stay_what_they_are(replays, name):
    reason, message = DIFFERENT[name]
    status = played(replays, name).final["status"]
    assert status["phase"] == replay.load(name, "final.json")["phase"], reason
    assert re.fullmatch(message, status["message"])


@pytest.mark.parametrize("name", CRD_RULES)
def test_what_the_crd_refuses_never_runs(replays, name):
    found = played(replays, name)
    if found.refused is not None:
        assert found.refused == replay.load(name, "final.json")
        return
    status = found.final["status"]
    assert status["phase"] == "Failed"
    assert re.search(CRD_RULES[name], status["message"])
    assert not status.get("nodes")


def test_the_lists_name_recordings_that_exist():
    assert set(REFUSED) | set(DIFFERENT) | set(CRD_RULES) <= set(replay.names())
    assert len(DIFFERENT) <= 3
