"""What a step's values need along: the notebook's classes that they are of, and a team's own codecs.

Owns the way from inputs and outputs to further definitions of the step's source, so that code travels in one
way only. Refuses a class or codec whose definition no cell of the notebook has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from argovx_lab import codecs
from argovx_lab.capture.analyse import analyse_cell
from argovx_lab.capture.definitions import Definitions
from argovx_lab.errors import CodecError, SpecError
from argovx_lab.notebook.inputs import Bound

Bind = Callable[[Sequence[str]], Sequence[Bound]]


@dataclass(frozen=True)
class Along:
    """Bound inputs, the codecs of outputs as specs name them, and code that goes before the cell's own."""

    inputs: tuple[Bound, ...]
    outputs: dict[str, str]
    definitions: tuple[str, ...]
    registrations: tuple[dict[str, Any], ...]

    def code(self, known: Definitions, own: Iterable[str]) -> list[dict[str, Any]]:
        """Return the step's definitions: its ``own``, and what its values need."""
        return [*known.code((*own, *self.definitions)), *self.registrations]

    def beside(self, known: Definitions, there: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return what the values need and the definitions that are ``there`` do not have."""
        have = "\n".join(str(item["code"]) for item in there)
        names = [name for name in self.definitions if any(item.code not in have for item in known.get(name))]
        return [*known.code(names), *self.registrations]


def along(bind: Bind, names: Sequence[str], outputs: Mapping[str, str], known: Definitions) -> Along:
    """Bind inputs, and what their classes and codecs read in turn.

    Parameters
    ----------
    bind : callable
        Binds inputs by name.
    outputs : dict
        Name → codec as it was typed.

    Raises
    ------
    CodecError
        When a codec is not there, or cannot get into a job.
    SpecError
        When a definition that a value needs stands in no cell.
    """
    named = {name: _named(codec) for name, codec in outputs.items()}
    bound = list(bind(names))
    while True:
        teams = _teams([*(item.ref.codec or item.declared for item in bound), *named.values()])
        needed = [name for item in bound if item.encoded for name in item.encoded.needs]
        needed += [team.carried.name for team in teams if team.carried.name]
        definitions, inputs = _closure(needed, known)
        have = {item.name.partition("[")[0] for item in bound}
        new = [name for name in inputs if name not in have]
        if not new:
            break
        bound += bind(new)
    entries = [{"code": team.carried.code, "notebook_cell": "", "number": 0} for team in teams]
    return Along(tuple(bound), named, definitions, tuple(e for e in entries if e["code"]))


def _named(codec: str) -> str:
    """Return a codec as specs name it: a team's own with its version."""
    return codec if codec in (codecs.AUTO, codecs.MAYBE) else codecs.get(codec).name


def _teams(names: Iterable[str]) -> list[codecs.Team]:
    """Return the team's codecs among ``names``, each once; one that is not here may be in the job's image."""
    found: dict[str, codecs.Team] = {}
    for name in names:
        if name in ("", codecs.AUTO, codecs.MAYBE):
            continue
        try:
            codec = codecs.get(name)
        except CodecError:
            continue
        if isinstance(codec, codecs.Team):
            found[codec.name] = codec
    return list(found.values())


def _closure(names: Sequence[str], known: Definitions) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the definitions that ``names`` are made of, and the values that these read."""
    names = tuple(dict.fromkeys(names))
    if not names:
        return (), ()
    for name in names:
        if not known.get(name):
            raise SpecError(
                f"a value of this step is of {name}, whose definition stands in no cell of this notebook",
                hint=f"Define {name} by a statement of its own in a cell, and make the value again.",
            )
    found = analyse_cell("\n".join(names), known)
    return found.definitions, found.inputs
