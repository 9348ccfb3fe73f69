"""Which ``{{names}}`` can be known where: the part of validation that looks into strings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from argovx_lab.sandbox.argo import tags
from argovx_lab.sandbox.argo.errors import InvalidSpec
from argovx_lab.sandbox.argo.expr import ExprError, names_in

_PRODUCER = re.compile(r"(?:tasks|steps)\.([\w-]+)(?:\.|\Z)")
_LOCAL = frozenset(("retries", "pod.name", "node.name", "tasks.name", "steps.name"))
_WORKFLOW = frozenset(
    f"workflow.{name}"
    for name in (
        "name", "namespace", "uid", "mainEntrypoint", "serviceAccountName", "priority", "duration",
        "creationTimestamp", "scheduledTime", "parameters", "parameters.json", "labels", "labels.json",
        "annotations", "annotations.json",
    )
)  # fmt: skip


class Names:
    """The names that a workflow's templates may use.

    Attributes
    ----------
    status_known : bool
        ``workflow.status`` and ``workflow.failures`` exist: in exit handlers and hooks only.
    """

    def __init__(self, workflow: Mapping[str, Any], spec: Mapping[str, Any]) -> None:
        self.status_known = False
        meta = workflow["metadata"]
        parameters = (spec.get("arguments") or {}).get("parameters") or []
        self._known = set(_WORKFLOW) | {f"workflow.parameters.{p['name']}" for p in parameters}
        for kind in ("labels", "annotations"):
            self._known |= {f"workflow.{kind}.{key}" for key in meta.get(kind) or {}}

    def check(
        self, value: Any, inputs: set[str], before: set[str], where: str, *, loop: bool = False
    ) -> None:
        """Refuse a value with a tag that nothing can resolve.

        Parameters
        ----------
        inputs : set of str
            Input parameters of the template.
        before : set of str
            Tasks or steps whose outputs are there.

        Raises
        ------
        InvalidSpec
            ``<where> failed to resolve {{x}}``.
        """
        for tag in tags.find(value):
            if tag.startswith("="):
                self._expression(tag[1:], inputs, before, where)
            elif not self._may(tag, inputs, before, loop):
                raise InvalidSpec(f"{where} failed to resolve {{{{{tag}}}}}")

    def _expression(self, source: str, inputs: set[str], before: set[str], where: str) -> None:
        try:
            names = names_in(source)
        except ExprError as error:
            raise InvalidSpec(f"{where} failed to evaluate expression: {error}") from None
        if "??" in source:
            return
        for name in names:
            producer = _PRODUCER.match(name)
            unknown = producer and producer.group(1) not in before and name not in _LOCAL
            if name.startswith("inputs.parameters."):
                unknown = name.split(".")[2] not in inputs
            if unknown:
                raise InvalidSpec(f"{where} failed to resolve {{{{={source}}}}}")

    def _may(self, tag: str, inputs: set[str], before: set[str], loop: bool) -> bool:
        producer = _PRODUCER.match(tag)
        if tag in _LOCAL:
            return True
        if producer:
            return producer.group(1) in before
        if tag.startswith("inputs.parameters."):
            return tag.removeprefix("inputs.parameters.") in inputs
        if tag == "item" or tag.startswith("item."):
            return loop
        if tag in ("workflow.status", "workflow.failures"):
            return self.status_known
        if tag.startswith("workflow."):
            return tag in self._known or tag.startswith(("workflow.outputs.", "workflow.creationTimestamp."))
        return tag.startswith(("lastRetry.", "outputs.", "inputs."))
