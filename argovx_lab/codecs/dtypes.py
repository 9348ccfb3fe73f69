"""The dtypes of pandas as text that means the same in every version, and back where a version needs help.

Refuses nothing: what cannot be made is left as it is, and `frames` tells the difference.
"""

from __future__ import annotations

import math
from typing import Any

from argovx_lab.codecs.base import need


def spec(dtype: Any) -> str:
    """Return a dtype as text: what `str` says, and the parts that it leaves out."""
    name = str(dtype)
    if name == "category":
        ordered = ", ordered" if dtype.ordered else ""
        return "category[%s%s]" % (spec(dtype.categories.dtype), ordered)
    if type(dtype).__name__ == "StringDtype":
        missing = getattr(dtype, "na_value", None)
        nan = isinstance(missing, float) and math.isnan(missing)
        return "string[%s, %s]" % (dtype.storage, "nan" if nan else "NA")
    return name


def retyped(values: Any, want: str) -> Any:
    """Return a series or index with the dtype called ``want``, where pandas chose another for text."""
    pandas: Any = need("pandas")
    if spec(values.dtype) == want:
        return values
    if want == "object":
        return values.astype(object)
    if not want.startswith("string["):
        return values
    storage, _, missing = want[len("string[") : -1].partition(", ")
    try:
        given = {"na_value": math.nan} if missing == "nan" else {}
        dtype = pandas.StringDtype(storage, **given)
        return values.astype(dtype)
    except (TypeError, ValueError, ImportError):
        return values


def retyped_like(frame: Any, model: Any) -> Any:
    """Return a frame whose columns of text have the dtypes of those of ``model``."""
    if frame.shape[1] != model.shape[1]:
        return frame
    for position, dtype in enumerate(model.dtypes):
        if str(frame.dtypes.iloc[position]) != str(dtype) or frame.dtypes.iloc[position] != dtype:
            frame = with_column(frame, position, retyped(frame.iloc[:, position], spec(dtype)))
    if frame.columns.nlevels == 1:
        frame.columns = retyped(frame.columns, spec(model.columns.dtype))
    if frame.index.nlevels == 1:
        frame.index = retyped(frame.index, spec(model.index.dtype))
    return frame


def with_column(frame: Any, position: int, values: Any) -> Any:
    """Return ``frame`` with another column at ``position``."""
    if hasattr(frame, "isetitem"):
        frame.isetitem(position, values)
    else:  # pandas below 1.5; labels are unique where this is called
        frame[frame.columns[position]] = values
    return frame


def same_kind(one: Any, other: Any) -> bool:
    """Tell whether two kinds of labels are alike: of text, whatever dtype a version of pandas gives it."""
    return one[0] == other[0] and [_text(k) for k in one[1]] == [_text(k) for k in other[1]]


def _text(kind: str) -> str:
    return "object" if kind.startswith("string[") else kind
