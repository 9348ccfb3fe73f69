"""Secrets in text that would leave the notebook: what kind, and where. Never the value.

Owns the shapes. Refuses to guess by entropy: only what has a known form counts, so that a finding is worth
stopping for.

Notes
-----
Sources of the forms: RFC 7468 (PEM), RFC 7519 (JWT), RFC 3986 3.2.1 (user information in URLs); the vendors'
own descriptions of their key formats.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from argovx_lab.capture.cells import Problem

_KINDS = (
    ("a private key", r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"),
    ("a JSON Web Token", r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
    ("a Google access token", r"\bya29\.[A-Za-z0-9_-]{20,}"),
    ("a Google API key", r"\bAIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
    ("a Google client secret", r"\bGOCSPX-[A-Za-z0-9_-]{20,}"),
    ("an AWS access key", r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    ("an Azure account key", r"\bAccountKey=[A-Za-z0-9+/]{60,}={0,2}"),
    ("a GitHub token", r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})"),
    ("a GitLab token", r"\bglpat-[A-Za-z0-9_-]{20,}"),
    ("a Slack token", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
    ("a Hugging Face token", r"\bhf_[A-Za-z0-9]{30,}"),
    ("an OpenAI or Anthropic key", r"\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{32,}"),
    ("a Stripe key", r"\b[rs]k_live_[A-Za-z0-9]{20,}"),
    ("a PyPI token", r"\bpypi-AgE[A-Za-z0-9_-]{40,}"),
    (
        "a password in a URL",
        r"\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@'\"{}<>]*:(?P<password>[^\s/@'\"]+)@[^\s'\"]+",
    ),
)
_ANY = re.compile("|".join(f"(?P<kind{number}>{shape})" for number, (_, shape) in enumerate(_KINDS)))

#: What to do instead.
HINT = (
    "Keep it out of the notebook: let the job read it from Secret Manager as its own account. "
    "--allow-secret sends it all the same, and that is recorded."
)

#: What stands for a password in examples and templates.
_PLACEHOLDER = re.compile(
    r"[{$<%*]|\A(?:x+|\.+|pass(?:word|wd)?|pwd?|secret|token|changeme|example|your[_-].*)\Z", re.IGNORECASE
)


@dataclass(frozen=True)
class Finding:
    """Something that looks like a secret.

    Parameters
    ----------
    line, column : int
        Where it begins, from 1.
    """

    kind: str
    line: int
    column: int


def find(text: str) -> list[Finding]:
    """Return what looks like a secret, in the order of the text."""
    found = []
    line, begins, at = 1, 0, 0
    for match in _ANY.finditer(text):
        if match.group("password") and _PLACEHOLDER.search(match.group("password")):
            continue
        number = next(n for n in range(len(_KINDS)) if match.group(f"kind{n}") is not None)
        here = match.start()
        line, begins, at = line + text.count("\n", at, here), text.rfind("\n", at, here) + 1 or begins, here
        found.append(Finding(_KINDS[number][0], line, here - begins + 1))
    return found


def problems(text: str, offset: int) -> list[Problem]:
    """Return a problem for each finding of a cell's text; ``offset`` lines of the cell stand above it."""
    return [
        Problem(f"here stands what looks like {one.kind}", HINT, one.line + offset, one.column)
        for one in find(text)
    ]


def kinds(findings: Iterable[Finding]) -> str:
    """Return the kinds of findings, each once."""
    return ", ".join(dict.fromkeys(finding.kind for finding in findings))
