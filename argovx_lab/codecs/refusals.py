"""Why a value cannot travel, and what to do instead: the words of `CodecError`.

Owns a table from kinds of values to one reason and one hint. Looks at types only; never imports a
library to find out.
"""

from __future__ import annotations

import io
import types
from typing import Any, Optional

from argovx_lab.codecs.base import root_module, type_name
from argovx_lab.codecs.instances import kind_of
from argovx_lab.errors import CodecError

_CONNECTIONS = (
    "socket",
    "ssl",
    "sqlite3",
    "psycopg2",
    "psycopg",
    "pymysql",
    "sqlalchemy",
    "pymongo",
    "redis",
    "requests",
    "httpx",
    "urllib3",
    "aiohttp",
    "http",
    "paramiko",
    "grpc",
)
_PROCESSES = (
    "threading",
    "_thread",
    "multiprocessing",
    "concurrent",
    "subprocess",
    "asyncio",
    "queue",
    "_queue",
)
_PLOTS = ("matplotlib", "plotly", "seaborn", "bokeh", "altair")
_TENSORS = ("torch", "tensorflow", "jax", "jaxlib", "cupy")
_GOOGLE = ("google",)


def explain(value: Any) -> CodecError:
    """Return the error that says why no codec takes ``value``."""
    for table in (_by_kind, _by_library):
        found = table(value)
        if found is not None:
            return CodecError(found[0], hint=found[1])
    return CodecError(
        "it is a %s, which no codec carries" % type_name(value),
        hint="Make it from numbers, text, lists, dicts, arrays or frames, register a codec of your own for it"
        " (argovx_lab.register_codec), or accept pickle: NAME:pickle.",
    )


def _by_kind(value: Any) -> Optional[tuple[str, str]]:
    if isinstance(value, types.ModuleType):
        return "it is the module %s" % value.__name__, "Import it inside the cell."
    if isinstance(value, types.GeneratorType):
        return "it is a generator, which can be read only once", "Pass list(…) of it."
    if isinstance(value, (types.CoroutineType, types.AsyncGeneratorType)):
        return "it is a coroutine", "Await it first and pass the result."
    if isinstance(value, types.LambdaType) and value.__name__ == "<lambda>":
        return "it is a lambda", "Define it with def in a cell."
    if isinstance(value, (types.MethodType, types.BuiltinFunctionType)):
        return "it is the method or builtin %s" % value.__name__, "Name it inside the cell."
    if isinstance(value, io.IOBase):
        return "it is an open file", "Pass its content, or open it inside the cell."
    if isinstance(value, (bytearray, memoryview)):
        return "it is a %s" % type(value).__name__, "Pass bytes(…) of it."
    if isinstance(value, (map, filter, zip, enumerate, reversed)):
        return "it is a %s" % type(value).__name__, "Pass list(…) of it."
    if isinstance(value, BaseException):
        return "it is an exception", "Pass str(…) of it."
    kind = kind_of(value)
    if kind:
        return (
            "it is a %s, whose class is not one of this notebook's" % type_name(value),
            {"enum": "Pass .value of it.", "named tuple": "Pass ._asdict() of it."}.get(
                kind, "Pass dataclasses.asdict(…) of it."
            ),
        )
    if isinstance(value, (set, frozenset, tuple, list, dict)):
        return "it is a %s" % type_name(value), "Pass it as a plain list, tuple or dict."
    if isinstance(value, type):
        return "it is the class %s" % value.__name__, "Define or import it inside the cell."
    return None


def _by_library(value: Any) -> Optional[tuple[str, str]]:
    root, name = root_module(value), type_name(value)
    if root in ("_thread", "threading") and "lock" in type(value).__name__.lower():
        return "it is a lock", "Make locks inside the cell."
    if root in _PROCESSES:
        return "it is a %s, which belongs to this process" % name, "Make it inside the cell."
    if root in _CONNECTIONS or "onnection" in type(value).__name__:
        return "it is a connection (%s)" % name, "Open it inside the cell; pass its address, not a password."
    if root in _GOOGLE:
        return "it is a client or message of Google's (%s)" % name, "Make it inside the cell."
    if root in _PLOTS:
        return (
            "it is a figure or part of one (%s)" % name,
            "Save it as bytes (savefig to io.BytesIO) and pass those.",
        )
    if root in _TENSORS:
        return (
            "it is a %s" % name,
            "Pass it as a numpy array, a model by its state as arrays, or write NAME:pickle.",
        )
    if root == "pandas":
        return "it is a %s" % name, "Pass a DataFrame or Series: .to_frame() or .to_series()."
    if root == "scipy":
        return "it is a %s" % name, "Pass its arrays as numpy arrays."
    if root == "pathlib":
        return (
            "it is a path without files (%s)" % name,
            "Pass the path by itself, with its files, or pathlib.PurePosixPath(…) for its name alone.",
        )
    return None
