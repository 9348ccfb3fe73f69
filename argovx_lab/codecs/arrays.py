"""Codecs of numpy: `numpy` for arrays, `numpy-scalar` for single numbers of numpy's own types.

Both write the ``.npy`` format with pickling off. Refuses object arrays, subclasses of ndarray and
masked arrays, which that format cannot give back.

Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import sys
import tokenize
from typing import IO, Any

from argovx_lab.codecs.base import Codec, Sink, root_module, shape_text, type_name
from argovx_lab.errors import CodecError

#: What numpy raises for bytes that are no array: its header is read as Python literals.
_BROKEN = (
    ValueError,
    OSError,
    EOFError,
    TypeError,
    SyntaxError,
    MemoryError,
    OverflowError,
    RecursionError,
    tokenize.TokenError,
)


class Numpy(Codec):
    """A numpy array."""

    name = "numpy"

    def accepts(self, value: Any) -> bool:
        """Accept ndarray and its subclasses; `write` tells the latter what to do."""
        numpy = sys.modules.get("numpy")
        return numpy is not None and isinstance(value, numpy.ndarray)

    def summary(self, value: Any) -> str:
        """Return the shape."""
        return "numpy array, %s" % shape_text(value.shape)

    def write(self, value: Any, sink: Sink) -> None:
        """Write ``.npy``."""
        import numpy as np

        if type(value) is not np.ndarray:
            raise CodecError(
                "it is a %s, not a plain numpy array" % type_name(value), hint="Use numpy.asarray(…)."
            )
        if value.dtype.hasobject:
            raise CodecError(
                "it is a numpy array of Python objects",
                hint="Give it a number or text dtype with .astype(…), or pass a list or a pandas frame.",
            )
        if value.dtype.metadata:
            raise CodecError("its dtype carries metadata", hint="Drop it with .astype(…).")
        try:
            np.lib.format.write_array(sink, value, allow_pickle=False)
        except ValueError as error:
            raise CodecError("numpy cannot write it: %s" % error, hint="Give it a plain dtype.") from error

    def load(self, source: IO[bytes]) -> Any:
        """Read ``.npy`` with pickling off."""
        numpy = need("numpy")
        try:
            return numpy.lib.format.read_array(source, allow_pickle=False)
        except _BROKEN as error:
            raise CodecError("the bytes are not a numpy array: %s" % error) from error


class NumpyScalar(Codec):
    """A single number of numpy's own types, such as ``numpy.float64``."""

    name = "numpy-scalar"

    def accepts(self, value: Any) -> bool:
        """Accept numpy scalars."""
        numpy = sys.modules.get("numpy")
        return numpy is not None and root_module(value) == "numpy" and isinstance(value, numpy.generic)

    def summary(self, value: Any) -> str:
        """Return the type."""
        return "numpy %s" % type(value).__name__

    def write(self, value: Any, sink: Sink) -> None:
        """Write ``.npy`` without an axis."""
        import numpy as np

        if not self.accepts(value):
            raise CodecError("it is a %s, not a numpy number" % type_name(value))
        Numpy().write(np.asarray(value), sink)

    def load(self, source: IO[bytes]) -> Any:
        """Read ``.npy`` and take the one number out of it."""
        array = Numpy().load(source)
        if array.ndim != 0:
            raise CodecError("the bytes are a numpy array with axes, not one number")
        return array[()]


def need(module: str) -> Any:
    """Return an importable module.

    Raises
    ------
    CodecError
        When this Python does not have it.
    """
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise CodecError(
            "%s is not installed in this Python" % package,
            hint="Choose an image that has it, or name it with --requirements %s==VERSION." % package,
        ) from error
