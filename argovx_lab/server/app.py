"""Attaches the API to a Jupyter Server and owns the one hub of the process."""

from __future__ import annotations

import logging
from typing import Any

from jupyter_server.utils import url_path_join

from argovx_lab.redact import install
from argovx_lab.server.handlers import ROUTES
from argovx_lab.server.hub import Hub
from argovx_lab.server.stream import STREAM_ROUTES

logger = logging.getLogger(__name__)

#: Where the API lives below the server's base URL.
ROOT = "argovx/api/v1"


def load(server_app: Any) -> None:
    """Register the handlers; clients and threads start with the first request."""
    install(guest=True)
    web_app = server_app.web_app
    hub = Hub(root_dir=server_app.root_dir)
    web_app.settings["argovx_hub"] = hub
    base = web_app.settings["base_url"]
    routes = [(url_path_join(base, ROOT, path), handler) for path, handler in (*ROUTES, *STREAM_ROUTES)]
    web_app.add_handlers(".*$", routes)
    logger.info("argovx: API at %s", url_path_join(base, ROOT))
