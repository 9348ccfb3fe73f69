"""Serves Cloud Storage of one folder on one port, so that a test can kill it: ``serve.py FOLDER PORT``."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config

from argovx_lab.sandbox.clock import Clock
from argovx_lab.sandbox.google.audit import Audit, Entry
from argovx_lab.sandbox.google.auth import Authenticator
from argovx_lab.sandbox.google.iam import Iam
from argovx_lab.sandbox.google.noted import Noted
from argovx_lab.sandbox.google.storage.service import StorageService
from argovx_lab.sandbox.google.store import Store
from argovx_lab.sandbox.http import Request


async def main(folder: Path, port: int) -> None:
    store, clock = Store(folder / "google.sqlite"), Clock()
    auth = Authenticator(store, clock)
    audit = Audit(folder / "log" / "google-audit.jsonl", clock)

    def note(noted: Noted) -> None:
        audit.write(Entry(number=0, transport="storage", **asdict(noted)))

    iam = Iam(store, clock, "argovx-sandbox", "424242424242")
    service = StorageService(store, folder / "blobs", auth, iam, clock, note)
    await service.tidy()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await (await service.handle(Request.of(scope, receive))).send(send)

    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.accesslog = config.errorlog = None
    await serve(app, config)  # type: ignore[arg-type]


asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
