"""Which ``{{names}}`` can be known where: the part of validation that looks into strings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from argovx_lab.sandbox.argo import tags
from argovx_lab.sandbox.argo.errors import InvalidSpec
from argovx_lab.sandbox.argo.expr import ExprError, names_in

_OUTPUT = re.compile(r"\.outputs\.parameters\.([\w-]+)\Z")
_PRODUCER = re.compile(r"(?:tasks|steps)\.([\w-]+)(?:\.|\Z)")
#: Beginnings of the names that Argo looks up; other tags are left alone.
_ROOTS = ("item.", "steps.", "inputs.", "outputs.", "workflow.", "tasks.")
_LOCAL = frozenset(("retries", "pod.name", "node.name", "tasks.name", "steps.name"))
_WORKFLOW = frozenset(
    f"workflow.{name}"
    for name in (
        "name", "namespace", "status", "uid", "mainEntrypoint", "serviceAccountName", "priority", "duration",
        "creationTimestamp", "scheduledTime", "parameters", "parameters.json", "labels", "labels.json",
        "annotations", "annotations.json",
    )
)  # fmt: skip


def _has_key(step: Mapping[str, Any], key: str) -> bool:
    """Tell whether an item has a key; what ``withParam`` brings is not known yet."""
    items = step.get("withItems")
    if items is None:
        return step.get("withParam") is not None
    return any(isinstance(item, dict) and key in item for item in items)


class Names:
    """The names that a workflow's templates may use.

    Attributes
    ----------
    failures_known : bool
        ``workflow.failures`` exists: with an exit handler only.
    """

    def __init__(self, workflow: Mapping[str, Any], spec: Mapping[str, Any]) -> None:
        self.failures_known = False
        meta = workflow["metadata"]
        parameters = (spec.get("arguments") or {}).get("parameters") or []
        self._known = set(_WORKFLOW) | {f"workflow.parameters.{p['name']}" for p in parameters}
        for kind in ("labels", "annotations"):
            self._known |= {f"workflow.{kind}.{key}" for key in meta.get(kind) or {}}

    def check(
        self,
        value: Any,
        inputs: set[str],
        before: Mapping[str, set[str]],
        where: str,
        *,
        item: Mapping[str, Any] | None = None,
    ) -> None:
        """Refuse a value with a tag that nothing can resolve.

        Parameters
        ----------
        inputs : set of str
            Input parameters of the template.
        before : mapping
            Tasks or steps whose outputs are there, each with its output parameters.
        item : mapping, optional
            The step or task, whose items its tags may name.

        Raises
        ------
        InvalidSpec
            ``<where> failed to resolve {{x}}``.
        """
        for tag in tags.find(value):
            if tag.startswith("="):
                self._expression(tag[1:], inputs, before, where)
            elif tag.startswith(_ROOTS) and not self._may(tag, inputs, before, item or {}):
                raise InvalidSpec(f"{where} failed to resolve {{{{{tag}}}}}")

    def _expression(self, source: str, inputs: set[str], before: Mapping[str, set[str]], where: str) -> None:
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

    def _may(
        self, tag: str, inputs: set[str], before: Mapping[str, set[str]], step: Mapping[str, Any]
    ) -> bool:
        producer = _PRODUCER.match(tag)
        if tag in _LOCAL:
            return True
        if producer:
            name = producer.group(1)
            output = _OUTPUT.search(tag)
            return name in before and (not output or bool({output.group(1), "*"} & before[name]))
        if tag.startswith("inputs.parameters."):
            return tag.removeprefix("inputs.parameters.") in inputs
        if tag.startswith("item."):
            return _has_key(step, tag.removeprefix("item."))
        if tag == "workflow.failures":
            return self.failures_known
        if tag.startswith("workflow."):
            return tag in self._known or tag.startswith(("workflow.outputs.", "workflow.creationTimestamp."))
        return tag.startswith(("lastRetry.", "outputs.", "inputs."))
