"""What differs between two values of the same codec, in a few lines: type, shape, columns, numbers.

Compares what is numeric by its largest absolute difference. What it knows no way to compare has no lines.
"""

from __future__ import annotations

import filecmp
import math
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from argovx_lab import codecs

#: Values up to this size are read to be compared. Unit: bytes.
READ_MAX = 256 << 20

#: Most lines that are returned.
LINES_MAX = 12

_DEEP = 4


def differences(old: Any, new: Any) -> list[str]:
    """Return a line for each difference that can be told; empty when there is none to be seen."""
    if type(old) is not type(new):
        return [f"type {codecs.type_name(old)} → {codecs.type_name(new)}"]
    kind = type(old).__module__.partition(".")[0]
    if kind == "numpy" and hasattr(old, "shape"):
        return _arrays(old, new)
    if kind == "pandas" and hasattr(old, "columns"):
        return _frames(old, new)
    if kind == "pandas" and hasattr(old, "dtype") and hasattr(old, "index"):
        return _arrays(old.to_numpy(), new.to_numpy())
    if kind == "pyarrow" and hasattr(old, "to_pandas"):
        return _frames(old.to_pandas(), new.to_pandas())
    if kind == "scipy" and hasattr(old, "toarray"):
        return _sparse(old, new)
    if isinstance(old, pathlib.Path):
        return _cut(_paths(old, new))
    return _cut(list(_plain("", old, new, 0)))


def _arrays(old: Any, new: Any) -> list[str]:
    lines = []
    if old.shape != new.shape:
        lines.append(f"shape {_shape(old.shape)} → {_shape(new.shape)}")
    if old.dtype != new.dtype:
        lines.append(f"dtype {old.dtype} → {new.dtype}")
    if old.shape != new.shape:
        return lines
    return [*lines, *_numbers(old, new)]


def _numbers(old: Any, new: Any) -> list[str]:
    """Return how many elements differ, and by how much at most where they are numbers."""
    import numpy as np

    same = old == new
    if not isinstance(same, np.ndarray):
        same = np.asarray(same)
    both_absent = _absent(old) & _absent(new)
    differ = ~(same.astype(bool) | both_absent)
    count = int(differ.sum())
    if not count:
        return []
    text = f"{count:,} of {differ.size:,} elements differ"
    if old.dtype.kind in "iufcb" and new.dtype.kind in "iufcb":
        wide = np.complex128 if "c" in (old.dtype.kind, new.dtype.kind) else np.float64
        gap = np.abs(np.asarray(old, wide) - np.asarray(new, wide))[differ]
        finite = gap[np.isfinite(gap)]
        text += (
            f", max abs difference {float(finite.max()):.3g}" if finite.size else ", none by a finite number"
        )
    return [text]


def _absent(values: Any) -> Any:
    import numpy as np

    if values.dtype.kind in "fc":
        return np.isnan(values)
    if values.dtype.kind in "mM":
        return np.isnat(values)
    if values.dtype.kind == "O":
        flat = [_is_nan(value) for value in values.ravel()]
        return np.array(flat, dtype=bool).reshape(values.shape)
    return np.zeros(values.shape, dtype=bool)


def _is_nan(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _sparse(old: Any, new: Any) -> list[str]:
    if old.shape != new.shape:
        return [f"shape {_shape(old.shape)} → {_shape(new.shape)}"]
    gap = abs(old - new)
    count = int(gap.count_nonzero())
    return [f"{count:,} elements differ, max abs difference {float(gap.max()):.3g}"] if count else []


def _frames(old: Any, new: Any) -> list[str]:
    lines = []
    if old.shape != new.shape:
        lines.append(f"shape {_shape(old.shape)} → {_shape(new.shape)}")
    before, after = list(map(str, old.columns)), list(map(str, new.columns))
    gone, come = ([c for c in a if c not in b] for a, b in ((before, after), (after, before)))
    lines += [f"columns gone: {_listed(gone)}"] if gone else []
    lines += [f"columns new: {_listed(come)}"] if come else []
    if not gone and not come and before != after:
        lines.append("columns in another order")
    if len(set(before)) < len(before) or len(set(after)) < len(after):
        return _cut(lines) or ["columns of one name: their values were not compared"]
    places = {str(name): place for place, name in enumerate(new.columns)}
    for place, name in enumerate(old.columns):
        if str(name) in places:
            found = _column(old.iloc[:, place], new.iloc[:, places[str(name)]])
            lines += [f"column {name}: {text}" for text in found]
    if len(old) == len(new) and not old.index.equals(new.index):
        lines.append("the index differs")
    return _cut(lines)


def _column(old: Any, new: Any) -> list[str]:
    lines = [f"dtype {old.dtype} → {new.dtype}"] if old.dtype != new.dtype else []
    if len(old) != len(new):
        return lines
    return [*lines, *_numbers(old.to_numpy(), new.to_numpy())]


def _paths(old: pathlib.Path, new: pathlib.Path) -> list[str]:
    before, after = ({str(p.relative_to(root)): p for p in _all(root)} for root in (old, new))
    lines = [f"- {name}" for name in before if name not in after]
    lines += [f"+ {name}" for name in after if name not in before]
    common = [name for name in before if name in after]
    return [*lines, *(f"~ {name}" for name in common if not _same(before[name], after[name]))]


def _all(root: pathlib.Path) -> Iterable[pathlib.Path]:
    return sorted(path for path in root.rglob("*") if path.is_file()) if root.is_dir() else [root]


def _same(one: pathlib.Path, other: pathlib.Path) -> bool:
    return filecmp.cmp(one, other, shallow=False)


def _plain(place: str, old: Any, new: Any, depth: int) -> Iterable[str]:
    """Yield the differences of plain data, by place."""
    at = f"{place}: " if place else ""
    if type(old) is not type(new):
        yield f"{at}type {codecs.type_name(old)} → {codecs.type_name(new)}"
    elif isinstance(old, Mapping) and depth < _DEEP:
        for key in (*old, *(key for key in new if key not in old)):
            if key not in old or key not in new:
                yield f"{at}key {key!r:.40} {'gone' if key in old else 'new'}"
            else:
                yield from _plain(f"{place}[{key!r:.40}]", old[key], new[key], depth + 1)
    elif isinstance(old, Sequence) and not isinstance(old, (str, bytes)) and depth < _DEEP:
        if len(old) != len(new):
            yield f"{at}length {len(old):,} → {len(new):,}"
        for index, (one, other) in enumerate(zip(old, new, strict=False)):
            yield from _plain(f"{place}[{index}]", one, other, depth + 1)
    elif isinstance(old, float) and math.isnan(old) and math.isnan(new):
        return
    elif isinstance(old, (int, float)) and not isinstance(old, bool):
        if old != new:
            yield f"{at}{old!r:.40} → {new!r:.40}, difference {abs(old - new):.3g}"
    elif isinstance(old, (str, bytes)):
        if old != new:
            yield f"{at}length {len(old):,} → {len(new):,}, first difference at {_first(old, new)}"
    elif type(old).__module__.partition(".")[0] in ("numpy", "pandas"):
        yield from (f"{at}{line}" for line in differences(old, new))


def _first(old: Any, new: Any) -> int:
    pairs = zip(old, new, strict=False)
    return next((i for i, (one, other) in enumerate(pairs) if one != other), min(len(old), len(new)))


def _shape(shape: Iterable[int]) -> str:
    return "×".join(map(str, shape)) or "scalar"


def _listed(names: list[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _cut(lines: list[str]) -> list[str]:
    more = len(lines) - LINES_MAX
    return [*lines[:LINES_MAX], f"… and {more} more"] if more > 0 else lines
