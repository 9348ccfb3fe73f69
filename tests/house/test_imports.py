"""The layers of ARCHITECTURE.md hold: every contract of pyproject.toml is kept."""

from importlinter.cli import lint_imports


def test_import_contracts_are_kept(capsys, monkeypatch, pytestconfig):
    monkeypatch.chdir(pytestconfig.rootpath)
    code = lint_imports()
    assert code == 0, capsys.readouterr().out
