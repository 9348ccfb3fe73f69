"""The scripts speak the vendors' clients' language only, so that they run against a real project as well."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FILES = sorted([*HERE.glob("*/scripts/*.py"), *HERE.glob("notebook/*.py")])
FILES = [path for path in FILES if not path.name.startswith(("test_", "conftest"))]
#: What a script may import besides the standard library.
VENDORS = ("google", "pandas", "gcsfs", "google_crc32c", "rows", "requests")
#: Names of local hosts, and settings that only a sandbox has.
FORBIDDEN = re.compile(
    r"argovx|sandbox|localhost|127\.0\.0\.1|\[?::1\]?(?![:\w])|_EMULATOR_|api_endpoint_override|insecure_channel"
    r"|AnonymousCredentials|REQUESTS_CA_BUNDLE|SSL_ROOTS|HTTPS_PROXY|verify=False",
    re.IGNORECASE,
)


def imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.parent.name}/{path.name}")
def test_a_script_knows_the_vendors_only(path):
    text = path.read_text()
    for name in imported(ast.parse(text)):
        head = name.partition(".")[0]
        assert head in sys.stdlib_module_names or head in VENDORS, name
    assert [line for line in text.splitlines() if FORBIDDEN.search(line)] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.parent.name}/{path.name}")
def test_a_script_says_what_it_creates_and_costs(path):
    header = ast.get_docstring(ast.parse(path.read_text())) or ""
    assert re.search(r"creates|makes|runs one|writes", header, re.IGNORECASE), "say what it creates"
    assert re.search(r"USD|cent|free|nothing", header, re.IGNORECASE), "say what it costs"


def test_the_lint_can_fail():
    assert FORBIDDEN.search("client_options={'api_endpoint': 'http://127.0.0.1:9'}")
    assert FORBIDDEN.search("import argovx_lab")
    assert not FORBIDDEN.search("sys.stdout.write(':: done')")
