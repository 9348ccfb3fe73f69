"""``retryStrategy``: a Retry node over its attempts ``x(0)``, ``x(1)`` and so on.

Source: recordings retry-* and contract/e-*; order of the checks as Argo 4.1 makes them: shutdown and
deadline, back-off, policy, limit, expression.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from argovx_lab.sandbox.argo.errors import NodeError
from argovx_lab.sandbox.argo.expr import ExprError, evaluate_bool
from argovx_lab.sandbox.argo.gotime import go_time, humanize, parse_duration, parse_time
from argovx_lab.sandbox.argo.nodes import ERROR, FAILED, RUNNING, SUCCEEDED, Node, is_bad, is_final
from argovx_lab.sandbox.argo.operation import Operation
from argovx_lab.sandbox.argo.parameters import Scope
from argovx_lab.sandbox.argo.synchronization import release
from argovx_lab.sandbox.argo.tags import nested, substitute
from argovx_lab.sandbox.argo.templates import Context, Template

if TYPE_CHECKING:
    from argovx_lab.sandbox.argo.execute import Call

POLICIES = ("Always", "OnFailure", "OnError", "OnTransientError")
#: What makes an error transient for ``OnTransientError``. Source: Argo's ``errors.IsTransientErr``.
_TRANSIENT = (
    "connection refused",
    "connection reset",
    "i/o timeout",
    "TLS handshake timeout",
    "exceeded quota",
)


def run(
    op: Operation, call: Call, template: Template, context: Context, strategy: Mapping[str, Any]
) -> Node | None:
    """Bring a retried node forward: judge the last attempt, perhaps start another."""
    from argovx_lab.sandbox.argo import execute

    parent = op.nodes.get(call.name)
    if parent is None or parent["type"] != "Retry":
        if parent is not None:  # it waited for a lock as the pod it would have been
            parent["type"] = "Retry"
            op.nodes.mark(parent, parent["phase"], "").pop("progress", None)
        else:
            parent = op.nodes.init(
                call.name, "Retry", RUNNING, scope=str(call.context), caller=call.caller,
                boundary=call.boundary, inputs=template.get("inputs"),
                flag="hooked retried" if call.flag == "hooked" else call.flag,
                display=execute.display(template),
            )  # fmt: skip
    if not _go_on(op, parent, strategy):
        release(op, parent)
        return parent
    attempts = op.nodes.attempts(parent)
    fresh = not attempts or is_final(attempts[-1])
    number = len(attempts) if fresh else len(attempts) - 1
    scope = _scope(number, attempts if fresh else attempts[:-1])
    inner = execute.attempt(
        call, f"{call.name}({number})", _longest(op, attempts, strategy) if fresh else None
    )
    try:
        child = execute.start(op, inner, substitute(template, scope, allow_unresolved=True), context)
    except NodeError as error:
        child = op.nodes.get(inner.name)
        if child is None:
            raise
        if not is_final(child):
            op.nodes.mark(child, ERROR, error.message)
    if child is not None:
        op.nodes.link(parent, child)
        if is_final(child):
            _go_on(op, parent, strategy)
    return parent


def _scope(number: int, attempts: list[Node]) -> Scope:
    scope: Scope = {"retries": str(number)}
    last = attempts[-1] if attempts else None
    scope.update({f"lastRetry.{k}": v for k, v in last_retry(last).items()})
    return scope


def last_retry(node: Node | None) -> dict[str, str]:
    """Return ``lastRetry.*`` for an attempt; zeros and blanks before the first."""
    if node is None:
        return {"exitCode": "0", "status": "", "duration": "0", "message": ""}
    start, end = parse_time(node.get("startedAt")), parse_time(node.get("finishedAt"))
    seconds = int((end - start).total_seconds()) if start and end else 0
    return {
        "exitCode": str((node.get("outputs") or {}).get("exitCode") or ""),
        "status": node["phase"],
        "duration": str(seconds),
        "message": node.get("message", ""),
    }


def _go_on(op: Operation, parent: Node, strategy: Mapping[str, Any]) -> bool:
    """Judge the attempts; ``False`` when the node is done or must wait."""
    attempts = op.nodes.attempts(parent)
    if not attempts or not is_final(attempts[-1]):
        return True
    last = attempts[-1]
    if not is_bad(last):
        return _end(op, parent, last, "")
    verdict = _stopped(op)
    verdict = verdict if verdict is not None else _back_off(op, parent, attempts, strategy)
    if verdict == "":
        return False
    verdict = verdict or _refused(attempts, strategy)
    if verdict is None:
        return True
    return _end(op, parent, last, verdict)


def _end(op: Operation, parent: Node, last: Node, message: str) -> bool:
    if last.get("outputs") and not (op.shutdown and is_bad(last)):
        parent["outputs"] = copy.deepcopy(last["outputs"])
    op.nodes.mark(parent, last["phase"] if is_bad(last) else SUCCEEDED, message)
    return False


def _stopped(op: Operation) -> str | None:
    if op.shutdown:
        return f"Stopped with strategy '{op.shutdown}'"
    deadline = op.deadline
    if deadline is not None and op.past_deadline():
        return f"retry exceeded workflow deadline {go_time(deadline)}"
    return None


def _back_off(op: Operation, parent: Node, attempts: list[Node], strategy: Mapping[str, Any]) -> str | None:
    """Return why there is no further attempt; ``""``: too early for one; ``None``: now."""
    backoff = strategy.get("backoff")
    if not backoff:
        return None
    if not backoff.get("duration"):
        raise NodeError("no base duration specified for retryStrategy")
    end = _longest(op, attempts, strategy)
    if end is not None and op.world.now > end:
        return "Max duration limit exceeded"
    seconds = _wait_s(backoff, len(attempts))
    finished = parse_time(attempts[-1].get("finishedAt")) or op.world.now
    due = op.after(finished, seconds)
    if end is not None and due > end:
        return "Backoff would exceed max duration limit"
    limited = strategy.get("limit") not in (None, "")  # Argo 4.1 waits only where there is a limit
    if op.world.now < due and limited and not _exhausted(attempts, strategy):
        op.nodes.mark(parent, parent["phase"], f"Backoff for {humanize(seconds)}")
        op.wake(due)
        return ""
    op.nodes.mark(parent, parent["phase"], "")
    return None


def _longest(op: Operation, attempts: list[Node], strategy: Mapping[str, Any]) -> datetime | None:
    """Return when ``backoff.maxDuration`` is over, counted from the first attempt."""
    longest = (strategy.get("backoff") or {}).get("maxDuration")
    if not longest or not attempts:
        return None
    return op.after(parse_time(attempts[0].get("startedAt")) or op.world.now, parse_duration(longest))


def _wait_s(backoff: Mapping[str, Any], attempts: int) -> float:
    seconds = parse_duration(backoff["duration"])
    factor = backoff.get("factor")
    if factor is not None and int(factor) > 0:
        seconds *= float(int(factor)) ** min(attempts - 1, 60)
    if backoff.get("cap"):
        seconds = min(seconds, parse_duration(backoff["cap"]))
    return seconds


def _exhausted(attempts: list[Node], strategy: Mapping[str, Any]) -> bool:
    limit = strategy.get("limit")
    if limit is None or limit == "":
        return False
    try:
        return len(attempts) > int(limit)
    except ValueError:
        raise NodeError(f"value '{limit}' cannot be resolved to an int") from None


def _refused(attempts: list[Node], strategy: Mapping[str, Any]) -> str | None:
    last, expression = attempts[-1], strategy.get("expression")
    policy = strategy.get("retryPolicy") or ("Always" if expression else "OnFailure")
    if policy not in POLICIES:
        raise NodeError(f"{policy} is not a valid RetryPolicy: use one of {', '.join(POLICIES)}")
    message = last.get("message", "")
    wanted = {
        "Always": (FAILED, ERROR),
        "OnFailure": (FAILED,),
        "OnError": (ERROR,),
        "OnTransientError": (FAILED, ERROR) if any(t in message for t in _TRANSIENT) else (),
    }[policy]
    if last["phase"] not in wanted:
        return message or ""
    if _exhausted(attempts, strategy):
        return "No more retries left"
    if expression and not _expression(attempts, str(expression)):
        return "retryStrategy.expression evaluated to false"
    return None


def _expression(attempts: list[Node], expression: str) -> bool:
    scope: Scope = {f"lastRetry.{k}": v for k, v in last_retry(attempts[-1]).items()}
    scope["lastRetry.exitCode"] = scope["lastRetry.exitCode"] or "-1"
    scope["retries"] = str(len(attempts) - 1)
    try:
        return evaluate_bool(expression, nested(scope))
    except ExprError as error:
        raise NodeError(str(error)) from None


def close(op: Operation, parent: Node) -> None:
    """Judge the last attempt of a Retry node of a workflow that is being shut down."""
    _go_on(op, parent, {})
