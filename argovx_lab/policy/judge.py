"""The judge: whether a bundle allows a step.

Owns the rules' meaning. Denies when a rule cannot be decided. The same function runs before submission and in
the launcher.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from argovx_lab.errors import PolicyDenied
from argovx_lab.model.names import slug
from argovx_lab.model.step import StepSpec
from argovx_lab.policy.bundle import Bundle

_ACCOUNT = re.compile(r"[a-z0-9-]{1,63}@[a-z0-9-]{1,63}\.iam\.gserviceaccount\.com\Z", re.ASCII)


@dataclass(frozen=True)
class StepFacts:
    """What is judged of a step: only what travels in the open.

    Parameters
    ----------
    timeout_s : int
        Longest running time, in seconds; 0 means none was given.
    project : str
        Google project that jobs run in; empty when it is not known, and then any project's account will do.
    """

    step: str
    user: str
    kind: str
    image: str
    run_as: str
    timeout_s: int
    retries: int
    replicas: int = 1
    strategy: str = "STANDARD"
    project: str = ""

    @classmethod
    def of(cls, spec: StepSpec, user: str, project: str = "") -> StepFacts:
        """Take the facts out of a specification."""
        return cls(
            step=spec.name,
            user=user,
            kind=spec.kind,
            image=spec.environment.image,
            run_as=spec.run_as,
            timeout_s=spec.timeout_s,
            retries=spec.retries,
            replicas=spec.machine.replicas,
            strategy=spec.machine.strategy,
            project=project,
        )


@dataclass(frozen=True)
class Decision:
    """One rule's word."""

    rule: str
    allowed: bool
    message: str = ""
    hint: str = ""


def judge(bundle: Bundle, facts: StepFacts) -> list[Decision]:
    """Return each rule's decision, in a fixed order; a rule that fails to decide denies."""
    return [_decide(name, rule, bundle, facts) for name, rule in _RULES]


def enforce(decisions: Iterable[Decision]) -> None:
    """Refuse when a rule denies.

    Raises
    ------
    PolicyDenied
        With the first denial's message and hint.
    """
    for decision in decisions:
        if not decision.allowed:
            raise PolicyDenied(f"policy {decision.rule}: {decision.message}", hint=decision.hint)


_Rule = Callable[[Bundle, StepFacts], tuple[bool, str, str]]


def _decide(name: str, rule: _Rule, bundle: Bundle, facts: StepFacts) -> Decision:
    try:
        allowed, message, hint = rule(bundle, facts)
    except (TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
        return Decision(name, False, f"the rule could not be decided ({type(error).__name__})")
    if allowed is True:
        return Decision(name, True)
    return Decision(name, False, message, hint)


def _kind(bundle: Bundle, facts: StepFacts) -> tuple[bool, str, str]:
    allowed = ", ".join(bundle.kinds)
    return facts.kind in bundle.kinds, f"kind {facts.kind!r} may not run", f"Allowed: {allowed}."


def _image(bundle: Bundle, facts: StepFacts) -> tuple[bool, str, str]:
    if not facts.image:
        return False, "no image is named", "Pass --image."
    allowed = not bundle.images or any(fnmatchcase(facts.image, pattern) for pattern in bundle.images)
    return allowed, f"image {facts.image!r} may not run", f"Allowed: {', '.join(bundle.images)}."


def _run_as(bundle: Bundle, facts: StepFacts) -> tuple[bool, str, str]:
    if not facts.run_as or slug(facts.user) != facts.user:
        return False, "the step does not say whose it is or what it runs as", ""
    pattern = bundle.run_as.format(user=facts.user, project=facts.project or "*")
    own = bool(_ACCOUNT.match(facts.run_as)) and fnmatchcase(facts.run_as, pattern)
    return own, f"{facts.run_as!r} is not the account of user {facts.user}", f"Allowed: {pattern}."


def _timeout(bundle: Bundle, facts: StepFacts) -> tuple[bool, str, str]:
    within = 0 < facts.timeout_s <= bundle.timeout_max_s
    return (
        within,
        f"a time-out of {facts.timeout_s} s is not allowed",
        f"Allowed: 1 to {bundle.timeout_max_s} s.",
    )


def _retries(bundle: Bundle, facts: StepFacts) -> tuple[bool, str, str]:
    within = 0 <= facts.retries <= bundle.retries_max
    return within, f"{facts.retries} retries are not allowed", f"Allowed: 0 to {bundle.retries_max}."


def _replicas(bundle: Bundle, facts: StepFacts) -> tuple[bool, str, str]:
    within = 1 <= facts.replicas <= bundle.replicas_max
    return within, f"{facts.replicas} replicas are not allowed", f"Allowed: 1 to {bundle.replicas_max}."


def _strategy(bundle: Bundle, facts: StepFacts) -> tuple[bool, str, str]:
    known = facts.strategy in bundle.strategies
    return known, f"strategy {facts.strategy!r} is not allowed", f"Allowed: {', '.join(bundle.strategies)}."


_RULES: tuple[tuple[str, _Rule], ...] = (
    ("kind", _kind),
    ("image", _image),
    ("run-as", _run_as),
    ("timeout", _timeout),
    ("retries", _retries),
    ("replicas", _replicas),
    ("strategy", _strategy),
)
