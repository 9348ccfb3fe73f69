"""What a fan-out gives: one handle for each member, in the order of the values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from argovx_lab.errors import SpecError
from argovx_lab.notebook.handles import Handle


class HandleList(Sequence[Handle]):
    """Handles on one output of each member of a fan-out; passed on as a list of values.

    Parameters
    ----------
    step, name : str
        The fan-out and the output's name in its cell.
    members : sequence of Handle
        In the order of the values.
    """

    def __init__(self, step: str, name: str, members: Sequence[Handle]) -> None:
        self._step = step
        self._name = name
        self._members = tuple(members)

    @property
    def step(self) -> str:
        """The fan-out."""
        return self._step

    def get(self) -> list[Any]:
        """Bring all values here; raises as :meth:`Handle.get` does."""
        return [member.get() for member in self._members]

    def __len__(self) -> int:
        return len(self._members)

    def __getitem__(self, index: Any) -> Any:
        return self._members[index]

    def __iter__(self) -> Iterator[Handle]:
        return iter(self._members)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, HandleList):
            return NotImplemented
        return self._members == other._members

    def __hash__(self) -> int:
        return hash(self._members)

    def __reduce__(self) -> NoReturn:
        raise SpecError(
            f"{self._name} is a list of handles and cannot be pickled", hint=f"Use {self._name}.get()."
        )

    def __repr__(self) -> str:
        head = f"<{self._name}: {len(self)} results of {self._step} · {self._name}.get() brings them here>"
        return "\n".join([head, *(f"  [{number}] {member!r}" for number, member in enumerate(self._members))])
