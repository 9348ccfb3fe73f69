"""The sandbox's one process: ``python -m argovx_lab.sandbox.server --state DIR``.

Owns its start and end: lock, log, daemon, signals. What it is made of is in :mod:`.compose`, which is
imported late, so that a second server is refused before it costs anything.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import logging.handlers
import os
import signal
import sqlite3
import sys
import threading
from pathlib import Path

from argovx_lab.errors import ArgovxError
from argovx_lab.redact import install
from argovx_lab.sandbox.room import full, is_full
from argovx_lab.sandbox.state import StateDir

log = logging.getLogger(__name__)

#: Size at which the log starts anew; one old file is kept. Unit: bytes.
LOG_MAX = 8 * 1024 * 1024


def main(argv: list[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; return the exit code."""
    gc.disable()  # until everything is there: collections find nothing meanwhile and take 40 ms
    install()
    parser = argparse.ArgumentParser(prog="python -m argovx_lab.sandbox.server")
    parser.add_argument("--state", required=True, type=Path, help="state folder; made when absent")
    parser.add_argument("--user", default="", help="slug of the person; needed at the first start")
    parser.add_argument(
        "--detach", action="store_true", help="go on in the background; return when ready, or say why not"
    )
    options = parser.parse_args(argv)
    state = StateDir(options.state)
    if options.detach:
        return _detached(state, options.user)
    try:
        return _run(state, options.user, None)
    except ArgovxError as error:
        sys.stderr.write(f"{error.message}\n{error.hint}\n")
        return error.exit_code


def _detached(state: StateDir, user: str) -> int:
    """Fork; the parent waits for the child's word and passes it on."""
    hear, say = os.pipe()
    if os.fork():
        os.close(say)
        with open(hear, "rb") as pipe:
            said = pipe.read().decode(errors="replace")
        if said == "ready":
            return 0
        sys.stderr.write(said or f"the sandbox's server ended at its start; see {state.errors}\n")
        return 69
    os.close(hear)
    os.setsid()
    try:
        state.make()
        _redirect(state.errors)
        return _run(state, user, say)
    except ArgovxError as error:
        os.write(say, f"{error.message}\n{error.hint}\n".encode())
        return error.exit_code
    except (OSError, sqlite3.Error) as error:
        if not is_full(error):
            raise
        found = full(state.root)  # a traceback would find no room either
        os.write(say, f"{found.message}\n{found.hint}\n".encode())
        return found.exit_code


def _redirect(path: Path) -> None:
    null, errors = os.open(os.devnull, os.O_RDWR), os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    for source, target in ((null, 0), (errors, 1), (errors, 2)):
        os.dup2(source, target)


def _run(state: StateDir, user: str, say: int | None) -> int:
    os.umask(0o077)
    state.make()
    with state.locked():
        _log_to(state.log)
        asyncio.run(_serve(state, user, say))
    return 0


class _LogFile(logging.handlers.RotatingFileHandler):
    """Looks at the file's size alone: there is a line for every request, and it is formatted once."""

    def shouldRollover(self, record: logging.LogRecord) -> bool:  # noqa: ARG002, N802  its base's words
        return self.stream is not None and os.fstat(self.stream.fileno()).st_size >= self.maxBytes


def _log_to(path: Path) -> None:
    handler = _LogFile(path, maxBytes=LOG_MAX, backupCount=1, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # nothing of it is in a line, and every request has one. Source: the logging how-to, Optimization
    logging._srcfile = None  # noqa: SLF001  documented there
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    everything = os.environ.get("ARGOVX_LOG_LEVEL") == "DEBUG"
    root.setLevel(logging.DEBUG if everything else logging.WARNING)
    logging.getLogger("argovx_lab").setLevel(logging.DEBUG if everything else logging.INFO)


async def _serve(state: StateDir, user: str, say: int | None) -> None:
    from argovx_lab.sandbox.processes.probe import isolation

    probing = threading.Thread(target=isolation, daemon=True)  # a process of its own: beside the imports
    probing.start()
    from argovx_lab.sandbox.compose import Sandbox

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    sandbox = Sandbox(state, user)
    probing.join()
    await sandbox.start()
    gc.freeze()  # what a server is made of stays: no collection looks at it again
    gc.enable()
    try:
        if say is not None:
            os.write(say, b"ready")
            os.close(say)
        await stop.wait()
        log.info("asked to stop")
    finally:
        await sandbox.stop()


if __name__ == "__main__":
    sys.exit(main())
