"""The sprig functions that occur in Argo workflows; anything else is refused by name."""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Callable
from typing import Any

from argovx_lab.sandbox.argo import gojson
from argovx_lab.sandbox.argo.expr.functions import joined, replaced
from argovx_lab.sandbox.argo.expr.lexer import ExprError
from argovx_lab.sandbox.patterns import search


def _int(value: Any) -> int:
    try:
        return int(float(value)) if not isinstance(value, bool) else int(value)
    except (TypeError, ValueError):
        return 0


def _empty(value: Any) -> bool:
    return value in (None, "", 0, False) or value == [] or value == {}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _divided(a: Any, b: Any) -> int:
    if _int(b) == 0:
        raise ExprError("sprig.div: division by zero")
    quotient = abs(_int(a)) // abs(_int(b))
    return quotient if (_int(a) < 0) == (_int(b) < 0) else -quotient


def _modulo(a: Any, b: Any) -> int:
    return _int(a) - _divided(a, b) * _int(b)


def _trunc(length: Any, text: str) -> str:
    n = _int(length)
    return text[:n] if n >= 0 else text[n:]


def _repeat(count: Any, text: str) -> str:
    if _int(count) * len(text) > 1_000_000:
        raise ExprError("sprig.repeat: more than 1000000 characters")
    return text * max(0, _int(count))


def _product(*values: Any) -> int:
    result = 1
    for value in values:
        result = (result * _int(value) + (1 << 63)) % (1 << 64) - (1 << 63)
    return result


SPRIG: dict[str, Callable[..., Any]] = {
    "upper": lambda s: s.upper(),
    "lower": lambda s: s.lower(),
    "title": lambda s: re.sub(r"\b\w", lambda m: m.group().upper(), s),
    "trim": lambda s: s.strip(),
    "trimAll": lambda chars, s: s.strip(chars),
    "trimPrefix": lambda prefix, s: s.removeprefix(prefix),
    "trimSuffix": lambda suffix, s: s.removesuffix(suffix),
    "hasPrefix": lambda prefix, s: s.startswith(prefix),
    "hasSuffix": lambda suffix, s: s.endswith(suffix),
    "contains": lambda part, s: part in s,
    "replace": lambda old, new, s: replaced(s, old, new),
    "repeat": _repeat,
    "trunc": _trunc,
    "substr": lambda start, end, s: s[max(0, start) : None if end < 0 else end],
    "nospace": lambda s: re.sub(r"\s", "", s),
    "quote": lambda *parts: " ".join(gojson.dumps(_text(p)) for p in parts),
    "squote": lambda *parts: " ".join(f"'{_text(p)}'" for p in parts),
    "split": lambda sep, s: {f"_{i}": part for i, part in enumerate(s.split(sep))},
    "splitList": lambda sep, s: s.split(sep),
    "join": lambda sep, items: joined([_text(i) for i in items], sep),
    "default": lambda fallback, value=None: fallback if _empty(value) else value,
    "coalesce": lambda *values: next((v for v in values if not _empty(v)), None),
    "empty": _empty,
    "ternary": lambda yes, no, test: yes if test else no,
    "toString": _text,
    "int": _int,
    "int64": _int,
    "atoi": _int,
    "float64": float,
    "ceil": lambda v: float(math.ceil(float(v))),
    "floor": lambda v: float(math.floor(float(v))),
    "round": lambda v, places: math.floor(float(v) * 10**places + 0.5) / 10**places,
    "add": lambda *values: sum(_int(v) for v in values),
    "add1": lambda v: _int(v) + 1,
    "sub": lambda a, b: _int(a) - _int(b),
    "mul": _product,
    "div": _divided,
    "mod": _modulo,
    "max": lambda *values: max(_int(v) for v in values),
    "min": lambda *values: min(_int(v) for v in values),
    "list": lambda *values: list(values),
    "dict": lambda *pairs: {_text(pairs[i]): pairs[i + 1] for i in range(0, len(pairs) - 1, 2)},
    "first": lambda items: items[0] if items else None,
    "last": lambda items: items[-1] if items else None,
    "rest": lambda items: items[1:],
    "initial": lambda items: items[:-1],
    "append": lambda items, value: [*items, value],
    "has": lambda value, items: value in items,
    "keys": lambda *maps: sorted(k for m in maps for k in m),
    "get": lambda holder, key: holder.get(key, ""),
    "hasKey": lambda holder, key: key in holder,
    "toJson": gojson.dumps,
    "fromJson": gojson.loads,
    "b64enc": lambda s: base64.b64encode(s.encode()).decode(),
    "b64dec": lambda s: base64.b64decode(s, validate=True).decode(),
    "sha256sum": lambda s: hashlib.sha256(s.encode()).hexdigest(),
    "regexMatch": lambda pattern, s: search(pattern, s) is not None,
    "regexReplaceAll": lambda pattern, s, new: re.sub(pattern, re.sub(r"\$\{?(\d)\}?", r"\\\1", new), s),
    "regexFind": lambda pattern, s: found.group() if (found := search(pattern, s)) else "",
}
