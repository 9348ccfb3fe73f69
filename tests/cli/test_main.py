"""The command line without a sandbox: words it does not know, and exit codes of the table."""

from __future__ import annotations

import pytest

from argovx_lab import __version__
from argovx_lab.cli import main
from argovx_lab.errors import PermissionMissing


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    """Look for the sandbox in an empty folder, and for profiles in no file."""
    monkeypatch.setenv("ARGOVX_SANDBOX", str(tmp_path / "sandbox"))
    monkeypatch.setenv("ARGOVX_CONFIG", str(tmp_path / "none.toml"))
    monkeypatch.delenv("ARGOVX_PROFILE", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "COMMAND"),
        (["sandbx"], "invalid choice: 'sandbx'"),
        (["sandbox"], "VERB"),
        (["sandbox", "begin"], "invalid choice: 'begin'"),
        (["sandbox", "status", "--yaml"], "unrecognized arguments: --yaml"),
        (["platform"], "WHAT"),
        (["platform", "chart"], "invalid choice: 'chart'"),
        (["demo"], "notebook"),
        (["doctor", "--profil"], "expected one argument"),
    ],
)
def test_words_that_it_does_not_know_are_named_with_those_that_it_does(capsys, words, said):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    seen = capsys.readouterr()
    assert said in seen.err
    assert "usage: argovx" in seen.err
    assert seen.out == ""


@pytest.mark.parametrize(("words", "said"), [(["--version"], __version__), (["--help"], "sandbox")])
def test_what_it_says_of_itself(capsys, words, said):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 0
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "message", "hint"),
    [
        (["sandbox", "status"], 69, "the sandbox does not run", "argovx sandbox start"),
        (["sandbox", "status", "--json"], 69, "the sandbox does not run", "argovx sandbox start"),
        (["sandbox", "run"], 10, "no command is given", "argovx sandbox run -- python script.py"),
        (["sandbox", "run", "--"], 10, "no command is given", "argovx sandbox run -- python script.py"),
        (["doctor", "--profile", "team"], 10, "team", ""),
        (["platform", "template", "--profile", "team"], 10, "team", ""),
        (["demo", "nowhere.ipynb"], 10, "nowhere.ipynb is not there", "Name a notebook"),
    ],
)
def test_an_error_is_one_line_and_a_hint_on_stderr_and_its_exit_code(capsys, words, code, message, hint):
    assert main(words) == code
    seen = capsys.readouterr()
    first, *rest = seen.err.splitlines()
    assert first.startswith("argovx: ")
    assert message in first
    assert hint in "".join(rest)
    assert "Traceback" not in seen.err
    assert seen.out == ""


def test_stopping_what_does_not_run_is_no_error(capsys):
    assert main(["sandbox", "stop"]) == 0
    assert capsys.readouterr().out == "the sandbox did not run\n"


@pytest.mark.parametrize(
    ("raised", "code"), [(PermissionMissing("no", hint="ask"), 21), (KeyboardInterrupt(), 130)]
)
def test_the_exit_code_is_the_errors_own(monkeypatch, raised, code):
    def act():
        raise raised

    monkeypatch.setattr("argovx_lab.wiring.local.sandbox_status", act)
    assert main(["sandbox", "status"]) == code
