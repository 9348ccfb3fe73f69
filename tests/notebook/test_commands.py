"""The words of ``%argovx`` that ask nobody."""

import pytest

from argovx_lab.errors import SpecError
from argovx_lab.notebook.commands import execute
from argovx_lab.notebook.session import Session
from argovx_lab.runs.words import local_time


@pytest.mark.parametrize("word", ["help", "--help", "-h", "?"])
def test_help_lists_every_word_with_what_it_does(word):
    text = repr(execute(Session(), word))
    for usage in ("%argovx status", "%argovx use PROFILE", "%argovx logs STEP", "%argovx new-run"):
        assert usage in text
    assert "%%vertex_step NAME" in text


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("statsu", "does not know 'statsu'", "Did you mean %argovx status?"),
        ("xyz", "does not know 'xyz'", "There are: status, attach"),
        ("stop", "takes 1 argument", "Write: %argovx stop STEP"),
        ("runs all", "takes 0 arguments", "Write: %argovx runs"),
    ],
)
def test_what_is_not_understood_is_refused_with_what_is(line, message, hint):
    with pytest.raises(SpecError) as error:
        execute(Session(), line)
    assert message in error.value.message
    assert hint in error.value.hint


def test_moments_are_shown_as_this_machines_clock_has_them(monkeypatch):
    import time

    monkeypatch.setenv("TZ", "Europe/Zurich")
    time.tzset()
    try:
        assert local_time("2026-11-24T08:07:09Z") == "2026-11-24 09:07:09"
        assert local_time(None) == ""
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_magics_own_help_names_every_flag():
    from argovx_lab.capture.arguments import _FLAGS, USAGE
    from argovx_lab.notebook.magics import ArgovxMagics

    text = ArgovxMagics.vertex_step.__doc__
    assert [flag for flag in _FLAGS if flag not in text] == []
    assert [flag for flag in _FLAGS if flag not in USAGE] == []
