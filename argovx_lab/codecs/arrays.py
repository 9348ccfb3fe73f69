"""Codecs of numpy: `numpy` for arrays, `numpy-scalar` for single numbers of numpy's own types.

Refuses object arrays, subclasses of ndarray and masked arrays, which ``.npy`` cannot give back.
"""

from __future__ import annotations

import sys
from typing import IO, Any

from argovx_lab.codecs.base import Codec, Sink, need, root_module, shape_text, type_name
from argovx_lab.codecs.npy import read_npy, write_npy
from argovx_lab.errors import CodecError


class Numpy(Codec):
    """A numpy array."""

    name = "numpy"
    about = (
        "`numpy.ndarray`, structured too",
        "`.npy`; from 1 MB on it is mapped where it lies in a file",
        "Python objects, subclasses, masked arrays, `StringDType`",
    )

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
        write_npy(sink, value)

    def load(self, source: IO[bytes]) -> Any:
        """Read ``.npy``; what lies in a file of this machine is mapped."""
        need("numpy")
        return read_npy(source)


class NumpyScalar(Codec):
    """A single number of numpy's own types, such as ``numpy.float64``."""

    name = "numpy-scalar"
    about = (
        "one number of numpy's own types",
        "`.npy` without an axis",
        "Python objects",
    )

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
