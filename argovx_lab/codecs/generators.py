"""Generators of random numbers by their state: those of numpy, their seeds, and Python's ``random.Random``.

What is drawn after reading is what would have been drawn here. Refuses generators of other libraries and
classes; on reading, states that compiled code would follow outside of its own memory.

Source: https://numpy.org/doc/stable/reference/random/bit_generators/index.html
"""

from __future__ import annotations

import random
import sys
from typing import Any, Callable, Optional

from argovx_lab.codecs.base import need, type_name
from argovx_lab.codecs.leaves import TAG
from argovx_lab.errors import CodecError

#: Largest pool of a seed sequence. Reason: it is made before anything is drawn; numpy's own is 4.
_POOL_MAX = 64

#: Bits of a number, or (length, bits) of an array, or the numbers that it may be.
_WORDS = {"has_uint32": 1, "uinteger": 32}
_PCG64 = {"state": {"state": 128, "inc": 128}, **_WORDS}
_STATES: dict[str, dict[str, Any]] = {
    "PCG64": _PCG64,
    "PCG64DXSM": _PCG64,
    "SFC64": {"state": {"state": (4, 64)}, **_WORDS},
    "MT19937": {"state": {"key": (624, 32), "pos": range(625)}},
    "Philox": {
        "state": {"counter": (4, 64), "key": (2, 64)},
        "buffer": (4, 64),
        "buffer_pos": range(5),
        **_WORDS,
    },
}


def is_generator(value: Any) -> bool:
    """Tell whether a value is a generator, or a seed, of Python's or numpy's own class."""
    return type(value) is random.Random or _kind(value) != ""


def _kind(value: Any) -> str:
    numpy = sys.modules.get("numpy.random")
    kinds = ("Generator", "RandomState", "SeedSequence") if numpy is not None else ()
    return next((name for name in kinds if type(value) is getattr(numpy, name)), "")


def pack_generator(value: Any, path: str) -> Any:
    """Return the document of a generator; raises `CodecError` when its state has no form here."""
    if type(value) is random.Random:
        version, words, gauss = value.getstate()
        return {TAG: "random", "v": [version, list(words), None if gauss is None else gauss.hex()]}
    kind = _kind(value)
    if kind == "SeedSequence":
        return {TAG: "seeds", "v": _seeds(value)}
    if kind == "RandomState":
        state = value.get_state(legacy=False)
        more = [int(state.pop("has_gauss")), float(state.pop("gauss")).hex()]
        return {TAG: "randomstate", "v": [*_state(state, path), *more]}
    machine = value.bit_generator
    seeds = getattr(machine, "seed_seq", None) or getattr(machine, "_seed_seq", None)
    if _kind(seeds) != "SeedSequence":
        raise CodecError(
            "%s is a generator with the seeds of a %s" % (path, type_name(seeds)),
            hint="Make it inside the cell from a number: numpy.random.default_rng(seed).",
        )
    return {TAG: "generator", "v": [*_state(machine.state, path), _seeds(seeds)]}


def _seeds(value: Any) -> Any:
    entropy = value.entropy
    plain = entropy if entropy is None or type(entropy) is int else [int(n) for n in entropy]
    key = [int(n) for n in value.spawn_key]
    return [plain, key, int(value.pool_size), int(value.n_children_spawned)]


def _state(state: Any, path: str) -> list[Any]:
    name = str(state["bit_generator"])
    form = _STATES.get(name)
    if form is None or set(form) != set(state) - {"bit_generator"}:
        raise CodecError(
            "%s is a generator by %.40s, whose state has no safe form" % (path, name),
            hint="Use numpy.random.default_rng, or make it inside the cell.",
        )
    return [name, _plain(state, form)]


def _plain(state: Any, form: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field, kind in form.items():
        item = state[field]
        if isinstance(kind, dict):
            found[field] = _plain(item, kind)
        else:
            found[field] = [int(n) for n in item] if isinstance(kind, tuple) else int(item)
    return found


def _checked(state: Any, form: dict[str, Any]) -> dict[str, Any]:
    """Return a state as numpy wants it; raises ``ValueError`` for what is none."""
    import numpy as np

    if not isinstance(state, dict) or set(state) != set(form):
        raise ValueError("state")
    found: dict[str, Any] = {}
    for field, kind in form.items():
        item = state[field]
        if isinstance(kind, dict):
            found[field] = _checked(item, kind)
        elif isinstance(kind, tuple):
            length, bits = kind
            if len(item) != length or not all(_fits(n, range(1 << bits)) for n in item):
                raise ValueError(field)
            found[field] = np.array(item, dtype="uint%d" % bits)
        elif not _fits(item, kind if isinstance(kind, range) else range(1 << kind)):
            raise ValueError(field)
        else:
            found[field] = item
    return found


def _fits(number: Any, allowed: range) -> bool:
    return type(number) is int and number in allowed


def _machine(name: Any, state: Any, seeds: Optional[Any]) -> Any:
    """Return numpy's bit generator of this name in this state."""
    form = _STATES[name]
    library = need("numpy.random")
    machine = getattr(library, name)(0 if seeds is None else _made_seeds(seeds, None))
    machine.state = {"bit_generator": name, **_checked(state, form)}
    return machine


def _made_seeds(parts: Any, _: Any) -> Any:
    entropy, key, pool, spawned = parts
    numbers = [entropy] if type(entropy) is int else list(entropy or ())
    if not all(type(n) is int and n >= 0 for n in [*numbers, *key, pool, spawned]):
        raise ValueError("seeds")
    if pool > _POOL_MAX:
        raise ValueError("pool")
    if entropy is None:  # numpy would ask the machine for some
        raise ValueError("entropy")
    library = need("numpy.random")
    return library.SeedSequence(entropy, spawn_key=tuple(key), pool_size=pool, n_children_spawned=spawned)


def _made_generator(parts: Any, _: Any) -> Any:
    name, state, seeds = parts
    return need("numpy.random").Generator(_machine(name, state, seeds))


def _made_state(parts: Any, _: Any) -> Any:
    name, state, has_gauss, gauss = parts
    if not _fits(has_gauss, range(2)):
        raise ValueError("gauss")
    made = need("numpy.random").RandomState(_machine(name, state, None))
    whole = made.get_state(legacy=False)
    made.set_state({**whole, "has_gauss": has_gauss, "gauss": float.fromhex(gauss)})
    return made


def _made_random(parts: Any, _: Any) -> random.Random:
    version, words, gauss = parts
    if version != 3 or len(words) != 625 or not all(_fits(n, range(1 << 32)) for n in words):
        raise ValueError("random")
    made = random.Random(0)  # noqa: S311  (the user's own, with the state that it had)
    made.setstate((version, tuple(words), None if gauss is None else float.fromhex(gauss)))
    return made


#: Tag → what makes the generator of its document.
UNPACK: dict[str, Callable[[Any, Any], Any]] = {
    "generator": _made_generator,
    "randomstate": _made_state,
    "seeds": _made_seeds,
    "random": _made_random,
}
