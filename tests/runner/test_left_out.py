"""Outputs that nobody named stay behind when they cannot travel; those in the signature fail the step."""

from __future__ import annotations

import json

import pytest

from argovx_lab import codecs
from argovx_lab.model.step import AUTO, MAYBE, fits

CELL = """
import threading
rows = [1, 2]
f = lambda: 1
guard = threading.Lock()
handle = open(__import__("os").devnull)
if not rows:
    never = 1
"""

NAMES = ("rows", "f", "guard", "handle", "never")


def manifest(job):
    return json.loads(job.cloud.get(job.prefix + "manifest.json"))


def test_what_nobody_named_and_cannot_travel_is_left_out_with_one_note(job):
    job.cell = CELL
    job.outputs = dict.fromkeys(NAMES, MAYBE)
    assert job.run() == 0, job.output
    found = manifest(job)
    assert list(found["outputs"]) == ["rows"]
    assert codecs.decode(job.cloud.get(found["outputs"]["rows"]["uri"]), "json") == [1, 2]
    assert found["left_out"] == {
        "never": "the cell did not assign it",
        "f": "it is a lambda. Define it with def in a cell.",
        "guard": "it is a lock. Make locks inside the cell.",
        "handle": "it is an open file. Pass its content, or open it inside the cell.",
    }
    notes = [line for line in job.output.splitlines() if "left out" in line]
    assert len(notes) == 1
    assert all(name in notes[0] for name in found["left_out"])
    assert job.closed["outcome"] == "succeeded"


@pytest.mark.parametrize("name", ["f", "never"])
def test_an_output_of_the_signature_fails_the_step(job, name):
    job.cell = CELL
    job.outputs = {"rows": AUTO, name: AUTO}
    assert job.run() == 1
    assert name in job.error["message"]
    assert not job.cloud.names(job.prefix + "manifest.json")


def test_a_pickle_is_never_chosen_for_what_nobody_named(job):
    job.cell = "class Model:\n    pass\n\nmodel = Model()"
    job.outputs = {"model": MAYBE}
    assert job.run() == 0, job.output
    assert "which no codec carries" in manifest(job)["left_out"]["model"]
    assert not fits(MAYBE, "pickle")


def test_the_same_two_words_mean_leave_it_to_the_type_everywhere():
    assert (codecs.AUTO, codecs.MAYBE) == (AUTO, MAYBE)
    assert codecs.encode([1], MAYBE).codec == "json"
    assert fits(AUTO, "json")
    assert fits("pickle", "pickle")
    assert not fits(AUTO, "pickle")
    assert not fits("json", "text")
