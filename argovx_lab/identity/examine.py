"""What a projected token says of itself, for the doctor: audience, subject, time left. Never the token.

Owns the reading of the claims. Nothing is verified here: that is for who is handed the token.
"""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass

from argovx_lab.errors import CredentialError
from argovx_lab.identity.suppliers import TokenFile, TokenVariable


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
    try:
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        named = claims["aud"]
        audiences = tuple(named) if isinstance(named, list) else (named,)
        return Claims(str(claims["sub"]), tuple(map(str, audiences)), float(claims["exp"]) - time.time())
    except (IndexError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise CredentialError(
            "the token file holds no ServiceAccount token",
            hint="Mount a projected ServiceAccount token there (docs/profiles.md).",
        ) from error


def judge(claims: Claims, audience: str) -> tuple[bool | None, str, str]:
    """Return whether a token suits a provider, what was seen, and what to do.

    ``None``: its audience is not the provider's name; a provider may allow others, so the exchange decides.
    """
    left = f"{claims.left_s / 60:.0f} min left"
    if not {audience, f"https:{audience}"} & set(claims.audiences):
        seen = f"{claims.subject}, for {', '.join(claims.audiences)}, {left}"
        return None, seen, f"Unless the provider allows that audience, project the token for {audience}"
    return True, f"{claims.subject}, {left}", ""
