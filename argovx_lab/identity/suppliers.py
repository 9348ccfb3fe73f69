"""Subject tokens: the projected ServiceAccount token, read afresh at every exchange.

Owns reading and sanity checks, so that a stale token gives one clear sentence instead of STS's. Refuses files
above 16 KiB, anything that is not a JWT, and executable or URL sources (there are none here).
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

from argovx_lab.errors import CredentialError
from argovx_lab.redact import Unpicklable

#: Largest token that is read. Unit: bytes. Reason: real ones are about 1 KiB; the cap stops nonsense early.
TOKEN_MAX = 16 * 1024

#: How often a file that is missing or empty is read again: kubelet swaps a symbolic link while it rotates.
_READS = 3

_HINT = "The pod (or the sandbox) renews it; see `argovx doctor`."


class TokenFile(Unpicklable):
    """Supplies the token that lies in a file.

    Parameters
    ----------
    path : str
        The projected token file.
    clock : callable
        Seconds since the epoch.
    """

    def __init__(self, path: str, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock

    def get_subject_token(self, context: object, request: object) -> str:  # noqa: ARG002
        """Return the token; google-auth calls this at each exchange and does not keep it.

        Raises
        ------
        CredentialError
            When the file is missing, empty, too large, not a JWT, or its token has ended.
        """
        token = self._read()
        late = self._clock() - expiry(token)
        if late >= 0:  # it may have been rotated a moment ago
            token = self._read()
            late = self._clock() - expiry(token)
        if late >= 0:
            raise CredentialError(f"the workspace token is stale: it ended {late:.0f} s ago", hint=_HINT)
        return token

    def _read(self) -> str:
        problem = "is empty"
        for _ in range(_READS):
            try:
                with open(self._path, "rb") as file:
                    data = file.read(TOKEN_MAX + 1)
            except FileNotFoundError:
                problem = "does not exist"
                continue
            except OSError as error:
                raise CredentialError(
                    f"the token file cannot be read ({error.strerror})", hint=_HINT
                ) from error
            if len(data) > TOKEN_MAX:
                raise CredentialError(f"the token file is larger than {TOKEN_MAX} bytes", hint=_HINT)
            token = data.decode("utf-8-sig", "replace").strip()
            if token:
                return token
        raise CredentialError(f"the token file {problem}", hint=_HINT)


def claims(token: str) -> dict[str, Any]:
    """Return a JWT's claims without verifying it: for messages and for its end, never for a decision.

    Raises
    ------
    CredentialError
        When it is not a JWT.
    """
    parts = token.split(".")
    try:
        body = parts[1] + "=" * (-len(parts[1]) % 4)
        doc = json.loads(base64.urlsafe_b64decode(body))
    except (IndexError, ValueError):
        doc = None
    if len(parts) != 3 or not isinstance(doc, dict):
        raise CredentialError("the token file does not hold a ServiceAccount token (JWT)", hint=_HINT)
    return doc


def expiry(token: str) -> float:
    """Return the end of a JWT in seconds since the epoch; infinity when it names none."""
    end = claims(token).get("exp")
    return float(end) if isinstance(end, (int, float)) and not isinstance(end, bool) else float("inf")
