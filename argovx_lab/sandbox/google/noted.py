"""What a service with its own HTTP says about a call, for whoever keeps the audit log.

Owns the shape; it never holds what a request carried, so no token can get into it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Noted:
    """One call.

    Parameters
    ----------
    method : str
        ``storage.objects.get``, ``ExchangeToken`` …; verb and path where no method was found.
    principal : str
        Who called; for a token exchange, who came out of it. Empty when nobody is known.
    permission, resource : str
        The last that was asked of IAM.
    outcome : str
        ``OK`` or the error's canonical code.
    """

    method: str = ""
    principal: str = ""
    permission: str = ""
    resource: str = ""
    outcome: str = "OK"
    message: str = ""


#: Keeps a call.
Note = Callable[[Noted], None]


def ignore(_: Noted) -> None:
    """Keep nothing."""
