"""The table on both servers: what a real kube-apiserver answered is what ours answers.

``answers.json`` holds the real one's answers, ``answers_argo.json`` those that differ under Argo's own definitions
(``ARGO_CRDS``); ``make test-cluster`` asks it again, and with ``ARGOVX_RECORD=1`` writes the file anew.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import kubernetes_table as table
import pytest

FILE = Path(__file__).parent / "answers.json"
ARGO_FILE = FILE.with_name("answers_argo.json")
OF_ARGO = bool(os.environ.get("ARGO_CRDS"))
ROWS = table.rows()


def recorded() -> dict:
    """Return what the real server answered to each row, under the definitions that are asked for."""
    found = json.loads(FILE.read_text())
    return {**found, **json.loads(ARGO_FILE.read_text())} if OF_ARGO else found


RECORDED = recorded()


@pytest.fixture(scope="session")
def answers_of_the_real_one(real):
    def http(method, path, user, data, headers):
        return real.http(method, path, real.tokens[user or "admin"], data=data, headers=headers)

    found = {name: table.play(http, steps) for name, steps in ROWS.items()}
    if os.environ.get("ARGOVX_RECORD"):
        written = found
        if OF_ARGO:
            known = json.loads(FILE.read_text())
            written = {name: answers for name, answers in found.items() if answers != known.get(name)}
        text = json.dumps(written, indent=None, separators=(",", ":")).replace('],"', '],\n"')
        (ARGO_FILE if OF_ARGO else FILE).write_text(f"{text}\n")
    return found


@pytest.fixture
def ours(ours_cluster, users):
    def http(method, path, user, data, headers):
        return ours_cluster.http(method, path, users[user or "admin"], data=data, headers=headers)

    return http


def differences(ours, theirs, path: str = "") -> list[str]:
    """Return one line per place where two answers differ."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        keys = sorted(set(ours) | set(theirs))
        return [line for key in keys for line in differences(ours.get(key), theirs.get(key), f"{path}.{key}")]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = enumerate(zip(ours, theirs, strict=True))
        return [line for n, pair in pairs for line in differences(*pair, f"{path}[{n}]")]
    return [] if ours == theirs else [f"{path}: ours {ours!r}, real {theirs!r}"]


def judged(name: str, answers):
    """Return answers without the differences that are wanted.

    Some messages are in our own words. The real server answers 500 without a reason where a caller sends a
    resourceVersion that is none, or one where none belongs; ours answers 400.
    """
    found = []
    for one in answers:
        body = one["body"]
        if name.endswith(table.OWN_WORDS):
            body = {**body, "message": ""}
        if one["code"] == 500 and "reason" not in body:
            body = {**body, "code": 400, "reason": "BadRequest"}
        found.append({**one, "code": 400 if one["code"] == 500 else one["code"], "body": body})
    return found


@pytest.mark.parametrize("name", [name for name in ROWS if name not in table.DIFFERENT])
def test_ours_answers_as_recorded(ours, name):
    found, expected = (judged(name, answers) for answers in (table.play(ours, ROWS[name]), RECORDED[name]))
    assert "\n".join(differences(found, expected)) == ""


def test_known_differences_are_still_there(ours):
    equal = [
        name
        for name in table.DIFFERENT
        if not differences(judged(name, table.play(ours, ROWS[name])), judged(name, RECORDED[name]))
    ]
    assert equal == []


@pytest.mark.cluster
@pytest.mark.parametrize("name", ROWS)
def test_the_real_one_answers_as_recorded(answers_of_the_real_one, name):
    assert differences(answers_of_the_real_one[name], RECORDED[name]) == []


def test_the_recording_is_of_this_table():
    assert set(RECORDED) == set(ROWS)
