"""A real Jupyter Server with the extension, on one sandbox."""

import pytest
from pytest_jupyter.jupyter_core import *  # noqa: F403  (fixtures, for this folder only: they own the event loop)
from pytest_jupyter.jupyter_server import *  # noqa: F403
from pytest_jupyter.pytest_tornasync import *  # noqa: F403


@pytest.fixture
def jp_server_config(sandbox):
    return {"ServerApp": {"jpserver_extensions": {"argovx_lab": True}}}
