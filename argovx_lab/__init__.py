"""argovx-lab: notebook cells as Argo Workflows steps that run as Vertex AI custom jobs.

This module owns the package's version and the hook functions that IPython and Jupyter look up by
name, beside `register_codec`, and nothing else: importing it must cost less than 20 ms, so every function
imports what it needs when it is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

T = TypeVar("T")

__version__ = "0.1.0"

__all__ = ["__version__", "load_ipython_extension", "register_codec", "unload_ipython_extension"]


def register_codec(codec: type[T]) -> type[T]:
    """Register a class as a codec of a team's own, and return it: also as a decorator.

    Parameters
    ----------
    codec : type
        A class with ``name``, ``version``, ``accepts(self, value)``, ``write(self, value, file)`` and
        ``read(self, file)``; see ``docs/codecs.md``.

    Raises
    ------
    CodecError
        When it is no such class, or has the name of one of ours.
    """
    from argovx_lab.codecs import register

    register(codec)
    return codec


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the magics: what ``%load_ext argovx_lab`` calls.

    Notes
    -----
    Source: https://ipython.readthedocs.io/en/stable/config/extensions/
    """
    from argovx_lab.notebook import register

    register(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """End this kernel's threads: what ``%unload_ext argovx_lab`` calls. Runs go on."""
    from argovx_lab.notebook import unregister

    unregister(shell)


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """Tell JupyterLab where the prebuilt labextension lies."""
    return [{"src": "labextension", "dest": "argovx-lab"}]


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """Tell Jupyter Server which module to load."""
    return [{"module": "argovx_lab"}]


def _load_jupyter_server_extension(server_app: Any) -> None:
    """Attach handlers and the reflector to a running Jupyter Server."""
    from argovx_lab.server import load

    load(server_app)
