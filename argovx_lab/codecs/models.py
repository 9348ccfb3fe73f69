"""The codec `sklearn`: scikit-learn estimators by skops, which runs no code of the file on load.

Only types of scikit-learn, numpy and scipy are trusted, and of those none that test, compile or
load foreign code. Without skops it refuses; the way out is to install it or to say ``:pickle``.
The bytes are made equal for equal models: identities and dates are taken out of them.

Source: https://skops.readthedocs.io/en/stable/persistence.html
"""

from __future__ import annotations

import io
import json
import re
import sys
import zipfile
from typing import IO, Any

from argovx_lab.codecs.base import Codec, Sink, need, root_module, type_name
from argovx_lab.codecs.bounds import check_archive
from argovx_lab.errors import CodecError

_TRUSTED = re.compile(r"(?:sklearn|numpy|scipy)\.[A-Za-z0-9_.]+\Z", re.ASCII)
_NEVER = re.compile(
    r"\.(?:f2py|distutils|ctypeslib|_?testing|tests?|conftest|weave|_lib|memmap|fromfile|load|save)(?:\.|\Z)"
)

#: Date of every member of the archive: the earliest that zip has, so that equal models are equal bytes.
_DATE = (1980, 1, 1, 0, 0, 0)


class Sklearn(Codec):
    """A scikit-learn estimator."""

    name = "sklearn"
    about = (
        "scikit-learn estimators",
        "skops, equal bytes for equal models",
        "classes and functions that are not scikit-learn's, numpy's or scipy's own; needs skops",
    )

    def accepts(self, value: Any) -> bool:
        """Accept instances of scikit-learn's own estimators and of classes that derive from them."""
        base = sys.modules.get("sklearn.base")
        return base is not None and isinstance(value, base.BaseEstimator)

    def summary(self, value: Any) -> str:
        """Return the class."""
        return "%s (scikit-learn)" % type(value).__name__

    def write(self, value: Any, sink: Sink) -> None:
        """Write a skops archive; refuses models that hold foreign types."""
        if not self.accepts(value):
            raise CodecError("it is a %s, not a scikit-learn estimator" % type_name(value))
        if root_module(value) != "sklearn":
            raise CodecError("its class %s is not scikit-learn's own" % type_name(value), hint=_hint())
        skops = _skops()
        try:
            data = skops.dumps(value)
        except (TypeError, ValueError, AttributeError, NotImplementedError, RecursionError) as error:
            raise CodecError("skops cannot write it: %.160s" % error, hint=_hint()) from error
        data = _normal(data)
        _trusted(skops, data)
        sink.write(data)

    def load(self, source: IO[bytes]) -> Any:
        """Read a skops archive; refuses types that are not trusted, before any is loaded."""
        skops = _skops()
        data = source.read()
        check_archive(data)
        try:
            return skops.loads(data, trusted=_trusted(skops, data))
        except (
            zipfile.BadZipFile,
            KeyError,
            TypeError,
            ValueError,
            AttributeError,
            ImportError,
            OSError,
            MemoryError,
            RecursionError,
        ) as error:
            raise CodecError(
                "its skops archive cannot be read here: %.160s" % error,
                hint="Use the scikit-learn version that wrote it.",
            ) from error


def _skops() -> Any:
    try:
        return need("skops.io")
    except CodecError as error:
        raise CodecError(
            "it is a scikit-learn model, and skops, which carries it safely, is not installed in this Python",
            hint="Add --requirements skops==VERSION, or accept pickle for it by writing NAME:pickle.",
        ) from error


def _hint() -> str:
    return "Accept pickle for it by writing NAME:pickle, or make an output of its parameters and arrays."


def _trusted(skops: Any, data: bytes) -> list[str]:
    """Return the names that the archive needs beyond skops' own list, all of them trusted."""
    try:
        names = list(skops.get_untrusted_types(data=data))
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError, AttributeError, ImportError) as error:
        raise CodecError("the bytes are not a skops archive: %.160s" % error) from error
    foreign = sorted(name for name in names if not _TRUSTED.match(name) or _NEVER.search(name))
    if foreign:
        raise CodecError("it holds types that are not trusted: %.160s" % ", ".join(foreign), hint=_hint())
    return names


def _normal(data: bytes) -> bytes:
    """Return the same archive with identities numbered in order and without dates."""
    source = zipfile.ZipFile(io.BytesIO(data))
    numbering = _Numbering()
    schema = numbering.walk(json.loads(source.read("schema.json")))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as target:
        for old, new in numbering.files.items():
            target.writestr(zipfile.ZipInfo(new, _DATE), source.read(old))
        text = json.dumps(schema, separators=(",", ":"), ensure_ascii=False)
        target.writestr(zipfile.ZipInfo("schema.json", _DATE), text)
    return out.getvalue()


class _Numbering:
    """Replaces memory addresses by numbers in order of appearance, and file names likewise."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        self._ids: dict[int, int] = {}
        self._next = 0

    def walk(self, node: Any) -> Any:
        if isinstance(node, list):
            return [self.walk(item) for item in node]
        if not isinstance(node, dict):
            return node
        out: dict[str, Any] = {}
        if isinstance(node.get("__id__"), int):
            out["__id__"] = self._number(node)
        for key, value in node.items():
            if key == "file" and isinstance(value, str):
                suffix = value.rpartition(".")[2]
                out[key] = self.files.setdefault(value, "%d.%s" % (len(self.files), suffix))
            elif key != "__id__" or not isinstance(value, int):
                out[key] = self.walk(value)
        return out

    def _number(self, node: dict[str, Any]) -> int:
        old = node["__id__"]
        # Whether two equal constants share one address depends on the process, so each leaf gets its own.
        leaf = node.get("__loader__") == "JsonNode"
        if leaf or old not in self._ids:
            self._next += 1
            self._ids[old] = self._next
        return self._ids[old]
