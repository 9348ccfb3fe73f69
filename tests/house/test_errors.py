"""The error tree: every class has its row, its place in the docs, and one line for a notebook."""

import pytest

from argovx_lab import errors


def _classes(base=errors.ArgovxError):
    yield base
    for child in base.__subclasses__():
        if child.__module__ == "argovx_lab.errors":
            yield from _classes(child)


@pytest.mark.parametrize("kind", list(_classes()), ids=lambda k: k.__name__)
def test_every_error_is_documented(kind, pytestconfig):
    text = (pytestconfig.rootpath / "docs" / "errors.md").read_text()
    assert f"## {kind.__name__}\n" in text
    assert 400 <= kind.http_status < 600
    assert kind.exit_code not in (64, 65), "those belong to Argo's own executor"


def test_every_error_is_drawn_in_the_tree():
    drawn = errors.__doc__
    assert [k.__name__ for k in _classes() if k.__name__ not in drawn] == []


def test_notebooks_show_one_line_and_a_hint():
    error = errors.SpecError("no such flag --onn", hint="Did you mean --on?")
    assert error._render_traceback_() == ["no such flag --onn", "  Did you mean --on?"]


def test_a_failed_step_shows_the_users_own_lines():
    error = errors.StepFailed("train failed", traceback=["Traceback", "KeyError: 'label'"])
    assert error._render_traceback_() == ["Traceback", "KeyError: 'label'"]


def test_remote_text_is_cut():
    assert len(errors.shorten("x" * 1000)) == errors.REMOTE_TEXT_MAX
    assert errors.shorten("a\n b") == "a b"
