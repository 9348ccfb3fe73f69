"""The committed schema: true to the installed client, enough without it, and light."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from argovx_lab.sandbox.google.messages import SCHEMA


def test_the_schema_is_what_the_installed_packages_say(tmp_path):
    command = [sys.executable, "-W", "ignore", "-m", "argovx_lab.sandbox.google.generate", str(tmp_path)]
    subprocess.run(command, check=True, timeout=120)
    told = "run: python -m argovx_lab.sandbox.google.generate"
    new = json.loads((tmp_path / "rpcs.json").read_text())
    old = json.loads((SCHEMA / "rpcs.json").read_text())
    # versions only say where the table came from
    assert {k: new[k] for k in ("rpcs", "others")} == {k: old[k] for k in ("rpcs", "others")}, told
    new_bytes = (tmp_path / "descriptors.binpb.z").read_bytes()
    assert new_bytes == (SCHEMA / "descriptors.binpb.z").read_bytes(), told


def test_the_server_needs_no_client_package():
    program = (
        "import sys, argovx_lab.sandbox.google.server as s;"
        "from argovx_lab.sandbox.google import messages, rpc; messages.pool(); rpc.table();"
        "print([m for m in sys.modules if m == 'grpc' or m.startswith(('google.cloud.', 'google.api_core'))])"
    )
    root = Path(__file__).parents[4]
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60, cwd=root
    )
    assert done.stdout.strip() == "[]"
