"""What a projected token says of itself, for the doctor: audience, subject, time left. Never the token.

Owns the reading of the claims. Nothing is verified here: that is for who is handed the token.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from argovx_lab.identity.suppliers import TokenFile, TokenVariable, claims, expiry


@dataclass(frozen=True)
class Claims:
    """What a token says.

    Parameters
    ----------
    left_s : float
        Time until it ends. Unit: seconds.
    """

    subject: str
    audiences: tuple[str, ...]
    left_s: float


def examine(source: str | TokenFile | TokenVariable) -> Claims:
    """Read the claims of a token file, or of what another supplier has.

    Raises
    ------
    CredentialError
        When the file is not there, holds no ServiceAccount token, or its token has ended.
    """
    supplier = TokenFile(source) if isinstance(source, str) else source
    token = supplier.get_subject_token(None, None)
    said = claims(token)
    named = said.get("aud")
    audiences = tuple(named) if isinstance(named, list) else (named,)
    return Claims(str(said.get("sub", "")), tuple(map(str, audiences)), expiry(token) - time.time())


def judge(told: Claims, audience: str) -> tuple[bool | None, str, str]:
    """Return whether a token suits a provider, what was seen, and what to do.

    ``None``: its audience is not the provider's name; a provider may allow others, so the exchange decides.
    """
    left = f"{told.left_s / 60:.0f} min left"
    if not {audience, f"https:{audience}"} & set(told.audiences):
        seen = f"{told.subject}, for {', '.join(told.audiences)}, {left}"
        return None, seen, f"Unless the provider allows that audience, project the token for {audience}"
    return True, f"{told.subject}, {left}", ""
