"""The layers of ARCHITECTURE.md hold: every contract of pyproject.toml is kept."""

import ast
import subprocess
import sys

import pytest


def test_import_contracts_are_kept(pytestconfig):
    """In a process of its own: the linter sets up logging for itself."""
    command = [
        sys.executable,
        "-c",
        "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())",
    ]
    done = subprocess.run(command, cwd=pytestconfig.rootpath, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("part", ["sandbox", "launcher", "runner", "runs", "storage", "vertex", "identity"])
def test_no_google_client_library_where_rest_must_do(pytestconfig, part):
    """import-linter knows packages only at their root; google.auth and google.protobuf are welcome."""
    found = []
    for path in (pytestconfig.rootpath / "argovx_lab" / part).rglob("*.py"):
        if path.name == "generate.py":  # made once, at development time, out of the installed client
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found += [f"{path.name}: {name}" for name in names if name.startswith("google.cloud")]
    assert found == []


def test_the_environment_is_read_in_few_places(pytestconfig):
    allowed = (
        "wiring/",
        "runner/",
        "launcher/settings.py",
        "launcher/faults.py",
        "sandbox/",
        "cli/",
        "vertex/bootstrap.py",
        "capture/",
    )
    root = pytestconfig.rootpath / "argovx_lab"
    found = [
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if "os.environ" in path.read_text() or "os.getenv" in path.read_text()
    ]
    assert [name for name in found if not name.startswith(allowed)] == []
