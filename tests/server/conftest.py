"""A real Jupyter Server with the extension, on one sandbox."""

import pytest


@pytest.fixture
def jp_server_config(sandbox):
    return {"ServerApp": {"jpserver_extensions": {"argovx_lab": True}}}
