"""Which results are not of what stands in the notebook now: pure.

A result is stale when its cell's code, what that uses or its environment changed since, when a step before it
has a newer result than the one it was made from, and when what it was made from is stale itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from argovx_lab.capture.fingerprint import changed
from argovx_lab.model.run import Input, Node, Phase

#: Phases that have a result which can be stale.
_WITH_RESULT = (Phase.SUCCEEDED, Phase.CACHED)


def stale(
    nodes: Iterable[Node],
    parts: Mapping[str, Mapping[str, str]],
    moved: Callable[[Node], Iterable[str]] = lambda _node: (),
) -> dict[str, tuple[str, ...]]:
    """Return step → why its result is stale; steps whose result is up to date are left out.

    Parameters
    ----------
    nodes : iterable of Node
        The steps of a run, in the order in which they first ran.
    parts : mapping
        Step → what decides its result now, as far as that is known (see ``capture.fingerprint``).
    moved : callable
        Names of a node's inputs from the notebook whose value is another one now.
    """
    by_step = {node.id: node for node in nodes if node.phase in _WITH_RESULT}
    found: dict[str, tuple[str, ...]] = {}
    for node in by_step.values():
        reasons = [f"{word} changed" for word in changed(node.parts, parts.get(node.id, {}))]
        reasons += [f"{name} has another value now" for name in moved(node)]
        reasons += [reason for item in node.inputs if (reason := _newer(by_step.get(item.step), item))]
        if reasons:
            found[node.id] = tuple(dict.fromkeys(reasons))
    return _with_dependents(by_step, found)


def _newer(producer: Node | None, item: Input) -> str:
    """Return that the step before has made another value since; empty when it has not."""
    if producer is None or not item.digest:
        return ""
    made = {output.name: output.digest for output in producer.outputs if output.state == "ready"}
    now = made.get(item.output or item.name, item.digest)
    return f"{producer.id} has made another {item.name} since" if now != item.digest else ""


def _with_dependents(
    by_step: Mapping[str, Node], found: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """Return it with every step that was made from something stale."""
    known, waiting = dict(found), list(found)
    while waiting:
        source = waiting.pop()
        for node in by_step.values():
            if node.id not in known and any(item.step == source for item in node.inputs):
                known[node.id] = (f"it is made from {source}, which is stale",)
                waiting.append(node.id)
    return known
