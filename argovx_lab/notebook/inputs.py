"""From names to values that can travel: handles by reference, everything else encoded by digest.

Refuses, before anything is sent, a name that is not defined and a value that no codec takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from argovx_lab import codecs
from argovx_lab.codecs import Encoded
from argovx_lab.errors import SpecError
from argovx_lab.model.layout import Layout
from argovx_lab.model.run import Input
from argovx_lab.model.step import ArtifactRef
from argovx_lab.notebook.handles import Handle
from argovx_lab.notebook.lists import HandleList
from argovx_lab.notebook.remote import Producer
from argovx_lab.notebook.session import Session


@dataclass(frozen=True)
class Bound:
    """One input: its reference, its bytes when they may still have to be sent, and who still makes it.

    Parameters
    ----------
    declared : str
        Codec that its step declares, where it is not made yet.
    """

    name: str
    ref: ArtifactRef
    summary: str
    encoded: Encoded | None = None
    waits: Producer | None = None
    declared: str = ""

    @property
    def about(self) -> Input:
        """What the read path keeps of it."""
        ref = self.ref
        return Input(
            name=self.name,
            step=ref.step,
            output=ref.output,
            digest=ref.digest,
            codec=ref.codec,
            size_bytes=ref.size_bytes,
        )


def bind(session: Session, step: str, names: Iterable[str], namespace: Mapping[str, Any]) -> list[Bound]:
    """Bind every input name of a step.

    Raises
    ------
    SpecError
        When a name is defined neither here nor by the run.
    RunError
        When a handle's step has not succeeded.
    CodecError
        When a value cannot be encoded; the message names it.
    """
    layout = session.profile.layout
    return [item for name in names for item in _bind(session, layout, step, name, namespace)]


def _bind(
    session: Session, layout: Layout, step: str, name: str, namespace: Mapping[str, Any]
) -> list[Bound]:
    if name in namespace:
        value = namespace[name]
    else:
        value = session.handle(name)
        if value is None:
            raise SpecError(
                f"{step} reads {name}, which this kernel does not have"
                f" and no step of run {session.run_id} gives",
                hint=f"Run the cell that assigns {name} first, or let a step give it: … -> {name}.",
            )
    if isinstance(value, HandleList):
        return [_result(f"{name}[{number}]", member) for number, member in enumerate(value)]
    return [_result(name, value) if isinstance(value, Handle) else encoded(layout, name, value)]


def refuse_unfinished(step: str, bound: Iterable[Bound], hint: str) -> None:
    """Refuse inputs that are still being made, where nothing can wait for them.

    Raises
    ------
    SpecError
        Naming the first.
    """
    for item in bound:
        if item.waits:
            raise SpecError(
                f"{step} reads {item.name}, which step {item.waits.step} is still making", hint=hint
            )


def _result(name: str, value: Handle) -> Bound:
    producer = value.unfinished()
    if producer is None:
        return Bound(name, value.reference(), f"from {value.step}")
    ref = ArtifactRef(step=producer.step, output=producer.output)
    return Bound(
        name, ref, f"from {value.step}, which has not ended", waits=producer, declared=producer.codec
    )


def encoded(layout: Layout, name: str, value: Any) -> Bound:
    """Return a value of this kernel as an input.

    Raises
    ------
    CodecError
        When it cannot be encoded; the message names it.
    """
    encoded = codecs.encode(value, name=name)
    ref = ArtifactRef(
        uri=layout.uri(layout.object(encoded.digest)),
        digest=encoded.digest,
        codec=encoded.codec,
        size_bytes=encoded.size_bytes,
    )
    return Bound(name, ref, encoded.summary, encoded)


def send(session: Session, bound: Iterable[Bound]) -> None:
    """Upload the bytes of inputs that come from the notebook; what is there already is not sent again."""
    objects, layout = session.services.objects, session.profile.layout
    for item in bound:
        if item.encoded is None:
            continue
        payload = item.encoded.payload
        if not isinstance(payload, bytes):
            payload.seek(0)
        objects.create_content(layout, cast("bytes | BinaryIO", payload))
        item.encoded.close()


def drop(bound: Iterable[Bound]) -> None:
    """Let go of inputs that need not be sent."""
    for item in bound:
        if item.encoded is not None:
            item.encoded.close()
