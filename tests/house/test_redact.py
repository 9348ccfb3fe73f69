"""No token in a log record: the shapes, and that every process of ours masks them."""

from __future__ import annotations

import logging
import os
import subprocess
import sys

import pytest

from argovx_lab.redact import MASK, install, redact

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abcdefghijkl.mno",
        '{"access_token": "opaque-value-1"}',
        "subject_token=opaque-value-2&x=1",
        "saw ya29.a0AfH6SMBx-_y",
        "saw avx1.0123456789abcdefghijklmnop",
        f"saw {JWT}",
    ],
)
def test_token_shapes_are_masked(text):
    assert MASK in redact(text)
    assert "opaque" not in redact(text)


def test_other_texts_stay_as_they_are():
    text = "n1-standard-8, sha256:0123abcd, users/ada/runs/uid-1, a bearer of news"
    assert redact(text) == text


@pytest.fixture
def factory():
    kept = logging.getLogRecordFactory()
    logging.setLogRecordFactory(logging.LogRecord)
    yield
    logging.setLogRecordFactory(kept)


def record(name, text, *args, error=None):
    info = (type(error), error, error.__traceback__) if error else None
    return logging.getLogRecordFactory()(name, logging.INFO, "f", 1, text, args, info)


def shown(*args, **options):
    return logging.Formatter().format(record(*args, **options))


def test_messages_arguments_and_tracebacks_are_masked(factory):
    install()
    text = shown("any", "saw %s", JWT, error=ValueError(f"bad {JWT}"))
    assert JWT not in text
    assert text.count(MASK) == 2


def test_a_record_without_a_token_is_left_as_it_is(factory):
    install()
    error = ValueError("bad")
    made = record("any", "saw %s", 7, error=error)
    assert (made.msg, made.args, made.exc_info[1], made.exc_text) == ("saw %s", (7,), error, None)


def test_a_message_that_does_not_fit_its_arguments_is_masked_as_well(factory):
    install()
    text = shown("any", "saw %d", JWT)
    assert MASK in text
    assert JWT not in text


def test_a_guest_leaves_the_hosts_own_records_alone(factory):
    install(guest=True)
    assert JWT in shown("theirs", JWT)
    for name in ("argovx_lab.runs.follow", "urllib3.connectionpool", "google.auth.transport", "kubernetes"):
        assert JWT not in shown(name, JWT)


def test_a_second_call_wraps_nothing_twice_and_only_widens(factory):
    install(guest=True)
    first = logging.getLogRecordFactory()
    install()
    install(guest=True)
    assert logging.getLogRecordFactory() is first
    assert JWT not in shown("theirs", JWT)


PROCESSES = {
    "launcher": "from argovx_lab.launcher.__main__ import main; main(['--explain'])",
    "command line": "from argovx_lab.cli import main; main(['sandbox', 'status'])",
    "sandbox": "from argovx_lab.sandbox.server import main; main(['--state', 'state'])",
    "kernel": (
        "from IPython.core.interactiveshell import InteractiveShell as S\n"
        "import argovx_lab; argovx_lab.load_ipython_extension(S.instance())"
    ),
    "Jupyter Server": (
        "from types import SimpleNamespace as N; import argovx_lab\n"
        "app = N(settings={'base_url': '/'}, add_handlers=lambda *_: None)\n"
        "argovx_lab._load_jupyter_server_extension(N(web_app=app, root_dir='.'))"
    ),
}


@pytest.mark.parametrize("process", PROCESSES)
def test_every_process_of_ours_masks_whatever_handler_is_added_later(process, tmp_path):
    code = (
        f"{PROCESSES[process]}\n"
        "import logging, sys\n"
        "logging.basicConfig(stream=sys.stderr, force=True)\n"
        f"logging.getLogger('argovx_lab.any').warning('canary %s', {JWT!r})\n"
    )
    environment = {**os.environ, "ARGOVX_SANDBOX": str(tmp_path / "none"), "IPYTHONDIR": str(tmp_path)}
    if process == "sandbox":
        (tmp_path / "state").write_text("a file, so that it is refused at once")
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        timeout=60,
    )
    assert f"canary {MASK}" in done.stderr, done.stderr
    assert JWT not in done.stderr
