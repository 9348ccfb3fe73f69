"""What a user types: ``%%vertex_step``, ``%argovx``, and the handles that results become.

Loading it must stay cheap: nothing heavy is imported before the first magic runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["register", "unregister"]


def register(shell: InteractiveShell) -> None:
    """Register the magics and bind ``argovx``, the facade that cells also see inside their job."""
    from argovx_lab.notebook.facade import Facade
    from argovx_lab.notebook.magics import ArgovxMagics
    from argovx_lab.redact import install

    install(guest=True)
    shell.register_magics(ArgovxMagics(shell))
    shell.user_ns.setdefault("argovx", Facade())


def unregister(shell: InteractiveShell) -> None:
    """End the session's threads and take the magics out."""
    from argovx_lab.notebook.magics import ArgovxMagics

    magics = shell.magics_manager.registry.pop(ArgovxMagics.__name__, None)
    if magics is not None:
        magics.close()
    for name in ("vertex_step", "local_step"):
        shell.magics_manager.magics["cell"].pop(name, None)
    shell.magics_manager.magics["line"].pop("argovx", None)
