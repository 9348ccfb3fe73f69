"""pytest plug-in: a sandbox for a whole test session.

Owns one fixture. The sandbox lives in a temporary folder, has ports and keys of its own, and is stopped
with everything in it when the session ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from argovx_lab.wiring import Services


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Give the clients of a freshly started sandbox; kernels started meanwhile use the same one."""
    from argovx_lab.wiring import Services, load_profile
    from argovx_lab.wiring.local import stop_sandbox

    folder = tmp_path_factory.mktemp("sandbox")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARGOVX_SANDBOX", str(folder))
        patch.setenv("ARGOVX_USER", "ada")
        patch.delenv("ARGOVX_PROFILE", raising=False)
        try:
            yield Services(load_profile())
        finally:
            stop_sandbox(folder, everything=True)
