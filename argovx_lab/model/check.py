"""One hop between a notebook and a running step, as it was found: plain data for the doctor and the launcher.

Owns its shape on the wire (a JSON list, the output ``report`` of the platform's template ``check``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Optional

from argovx_lab.errors import RemoteError


@dataclass(frozen=True)
class Check:
    """One hop.

    Parameters
    ----------
    name : str
        What was asked.
    good : bool or None
        Whether it is well; ``None`` when it could not be asked.
    seen : str
        What was seen.
    hint : str
        What to do: the exact command where there is one.
    warning : bool
        Whether it works and is risky, such as rights that nobody needs; ``good`` is then ``None``.
    """

    name: str
    good: Optional[bool]
    seen: str
    hint: str = ""
    warning: bool = False


def encode(checks: Iterable[Check]) -> str:
    """Return checks as JSON."""
    documents = [asdict(check) for check in checks]
    for document in documents:
        if not document["warning"]:  # readers before there were warnings refuse fields that they do not know
            del document["warning"]
    return json.dumps(documents, ensure_ascii=False)


def decode(text: str) -> list[Check]:
    """Read what :func:`encode` wrote.

    Raises
    ------
    RemoteError
        When it is something else.
    """
    try:
        return [Check(**entry) for entry in json.loads(text)]
    except (ValueError, TypeError) as error:
        raise RemoteError("the check's report cannot be read", service="launcher") from error
