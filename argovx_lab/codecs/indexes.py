"""The codec `pandas-index`: an index of pandas as a frame with one column of zeros.

Refuses what would come back as another kind of index, with other dtypes, names, levels or frequency. The
frequencies of a MultiIndex's levels are not kept.
"""

from __future__ import annotations

import io
import sys
from typing import IO, Any

from argovx_lab.codecs.base import Codec, Sink, type_name
from argovx_lab.codecs.tables import Pandas
from argovx_lab.errors import CodecError

_COLUMN = "argovx.index"


class PandasIndex(Codec):
    """A pandas Index of any kind."""

    name = "pandas-index"
    about = (
        "`pandas.Index`, `DatetimeIndex`, `MultiIndex` and its kin",
        "Parquet of a frame with that index; read back before it is handed out",
        "subclasses, levels that no label uses, objects that are no plain data",
    )

    def accepts(self, value: Any) -> bool:
        """Accept every index."""
        pandas = sys.modules.get("pandas")
        return pandas is not None and isinstance(value, pandas.Index)

    def summary(self, value: Any) -> str:
        """Return the kind and the number of labels."""
        return "pandas %s, %d" % (type(value).__name__, len(value))

    def write(self, value: Any, sink: Sink) -> None:
        """Write the frame, after a look at what comes back."""
        import numpy as np
        import pandas as pd

        if not self.accepts(value):
            raise CodecError("it is a %s, not an index of pandas" % type_name(value))
        inner = Sink(sys.maxsize)
        rows = np.zeros(len(value), dtype="int8")  # a frame without columns loses the number of its rows
        Pandas().write(pd.DataFrame({_COLUMN: rows}, index=value), inner)
        payload = inner.finish()
        data = payload if isinstance(payload, bytes) else payload.read()
        if _about(self.load(io.BytesIO(data))) != _about(value):
            raise CodecError(
                "it is a %s that would come back as another" % type_name(value),
                hint="Pass it as a column, or drop unused levels: .remove_unused_levels().",
            )
        sink.write(data)

    def load(self, source: IO[bytes]) -> Any:
        """Read the frame and take its index."""
        frame = Pandas().load(source)
        if getattr(frame, "ndim", 0) != 2 or list(frame.columns) != [_COLUMN]:
            raise CodecError("the bytes are a pandas frame, not an index")
        return frame.index

    def warm(self) -> None:
        """Import what frames need."""
        Pandas().warm()


def _about(index: Any) -> Any:
    """Return what must be the same; its values were compared when the frame was written."""
    levels = getattr(index, "levels", None)
    inside = [[level.dtype, list(level)] for level in levels] if levels is not None else []
    freq = getattr(index, "freqstr", None)
    return [type(index), str(index.dtype), list(index.names), len(index), freq, inside]
