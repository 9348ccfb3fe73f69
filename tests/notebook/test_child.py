"""The process of a step on this machine."""

from __future__ import annotations

import subprocess
import threading

import pytest

from argovx_lab.notebook import child
from argovx_lab.wiring.surroundings import machine_environment


@pytest.mark.parametrize("script", ["sleep 600 & echo begun", "sleep 600 & echo begun; kill -9 $$"])
def test_what_the_process_left_behind_does_not_hold_the_cell(script, capsys):
    process = subprocess.Popen(
        ["sh", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    threading.Thread(target=child.clear, args=(process,), daemon=True).start()
    watchdog = threading.Timer(60, process.stdout.close)
    watchdog.start()
    try:
        child.show(process)
    finally:
        watchdog.cancel()
        child.end(process)
    assert capsys.readouterr().out == "begun\n"


def test_a_proxy_with_a_password_is_not_passed_on(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://ada:hunter2@proxy.example:3128")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    found = machine_environment()
    assert "HTTPS_PROXY" not in found
    assert found["HTTP_PROXY"] == "http://proxy.example:3128"
