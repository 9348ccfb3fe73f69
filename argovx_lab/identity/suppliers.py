"""Subject tokens from a file or the environment, read afresh at every exchange, and gcloud's credentials.

Owns reading and sanity checks, so that a stale token gives one clear sentence instead of STS's. Refuses
files above 16 KiB, anything that is not a JWT, executable or URL sources (there are none here), and
credential files that say where a token is to be sent.
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

#: A token that ended less than this ago is tried all the same: clocks differ, STS decides. Unit: seconds.
TOLERANCE_S = 60

#: Longest subject that is shown. Unit: characters. Source: IAM, ``google.subject`` has at most 127 bytes.
_SUBJECT_MAX = 127

#: How often a file that is missing, empty or damaged is read again: kubelet swaps a symbolic link while it
#: rotates, and others write in place.
_READS = 3

_HINT = "The pod (or the sandbox) renews it; see `argovx doctor`."


class _Supplier(Unpicklable):
    """What the suppliers share: a token that has ended is read once more, then named."""

    def __init__(self, clock: Callable[[], float], explain: Callable[[], str]) -> None:
        self._clock = clock
        self._explain = explain
        #: Who the token that was read last is for, in its own words; empty before.
        self.subject = ""

    def get_subject_token(self, context: object, request: object) -> str:  # noqa: ARG002
        """Return the token; google-auth calls this at each exchange and does not keep it.

        Raises
        ------
        CredentialError
            When it is missing, empty, too large, not a JWT, or has ended.
        """
        token = self._sound()
        late = self._clock() - expiry(token)
        if late >= 0:  # it may have been rotated a moment ago
            token = self._sound()
            late = self._clock() - expiry(token)
        if late >= TOLERANCE_S:
            hint = self._explain() or self._hint
            raise CredentialError(f"the workspace token is stale: it ended {late:.0f} s ago", hint=hint)
        self.subject = "".join(filter(str.isprintable, str(claims(token).get("sub", ""))))[:_SUBJECT_MAX]
        return token

    _hint = _HINT

    def _sound(self) -> str:
        """Return a token that is a JWT; one that is just being written is read again."""
        for _ in range(_READS - 1):
            token = self._read()
            try:
                claims(token)
            except CredentialError:
                continue
            return token
        token = self._read()
        claims(token)
        return token

    def _read(self) -> str:
        raise NotImplementedError


class TokenFile(_Supplier):
    """Supplies the token that lies in a file.

    Parameters
    ----------
    path : str
        The projected token file, or the file of an OIDC token.
    clock : callable
        Seconds since the epoch.
    explain : callable
        Why a token may look stale, asked only when it does: what is wrong with this machine's clock.
    """

    def __init__(
        self, path: str, clock: Callable[[], float] = time.time, *, explain: Callable[[], str] = str
    ) -> None:
        super().__init__(clock, explain)
        self._path = path

    def _read(self) -> str:
        problem = "is empty"
        for _ in range(_READS):
            try:
                data = capped(self._path)
            except FileNotFoundError:
                problem = "does not exist"
                continue
            token = data.decode("utf-8-sig", "replace").strip()
            if token:
                return token
        raise CredentialError(f"the token file {problem}", hint=_HINT)


class TokenVariable(_Supplier):
    """Supplies the token of an environment variable; a process's environment is not rotated from outside.

    Parameters
    ----------
    name : str
        The variable, for messages.
    read : callable
        Returns its value; empty when it is not set.
    """

    _hint = "Sign in again and restart the server; a token in a file can be renewed while it runs."

    def __init__(
        self,
        name: str,
        read: Callable[[], str],
        clock: Callable[[], float] = time.time,
        *,
        explain: Callable[[], str] = str,
    ) -> None:
        super().__init__(clock, explain)
        self._name = name
        self._value = read

    def _read(self) -> str:
        token = self._value().strip()
        if not token:
            raise CredentialError(f"{self._name} is not set: there is no OIDC token in it", hint=self._hint)
        if len(token) > TOKEN_MAX:
            raise CredentialError(f"the token in {self._name} is longer than {TOKEN_MAX} characters")
        return token


def capped(path: str) -> bytes:
    """Return a token file's content.

    Raises
    ------
    CredentialError
        When it cannot be read or is larger than :data:`TOKEN_MAX`.
    FileNotFoundError
        When it is not there.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(TOKEN_MAX + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise CredentialError(f"the token file cannot be read ({error.strerror})", hint=_HINT) from error
    if len(data) > TOKEN_MAX:
        raise CredentialError(f"the token file is larger than {TOKEN_MAX} bytes", hint=_HINT)
    return data


_GCLOUD = "gcloud auth application-default login"
_PERSON = ("refresh_token", "client_id", "client_secret")


def person(path: str) -> dict[str, str]:
    """Return gcloud's application default credentials of a person.

    Only those: a file of another type may name a program to run, an address to ask or a place to send a token
    to, and is refused before anything in it is used.

    Raises
    ------
    CredentialError
        When the file is not there or holds something else.
    """
    try:
        doc = json.loads(capped(path))
    except FileNotFoundError:
        raise CredentialError(
            "gcloud's application default credentials are not there", hint=f"Run: {_GCLOUD}"
        ) from None
    except (ValueError, RecursionError):
        raise CredentialError(
            "gcloud's application default credentials are not JSON", hint=f"Run: {_GCLOUD}"
        ) from None
    kind = doc.get("type") if isinstance(doc, dict) else None
    if kind != "authorized_user":
        raise CredentialError(
            f"credentials of type {str(kind)[:40]!r} are not read from a file",
            hint=f"Only a person's are: {_GCLOUD}. For others set sign_in in the profile (docs/identity.md).",
        )
    found = {name: doc.get(name) for name in (*_PERSON, "account")}
    if not all(isinstance(found[name], str) and found[name] for name in _PERSON):
        raise CredentialError(
            "gcloud's application default credentials are not whole", hint=f"Run: {_GCLOUD}"
        )
    return {name: str(value or "") for name, value in found.items()}


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
    except (IndexError, ValueError, RecursionError):
        doc = None
    if len(parts) != 3 or not isinstance(doc, dict) or not all(map(_plain, parts)):
        raise CredentialError("the token file does not hold a ServiceAccount token (JWT)", hint=_HINT)
    return doc


def _plain(part: str) -> bool:
    """Tell whether a part of a JWT is base64url: nothing else may go into a form or a header."""
    return part.isascii() and part.replace("-", "").replace("_", "").isalnum()


def expiry(token: str) -> float:
    """Return the end of a JWT in seconds since the epoch; infinity when it names none."""
    end = claims(token).get("exp")
    try:
        return float(end) if isinstance(end, (int, float)) and not isinstance(end, bool) else float("inf")
    except OverflowError:
        return float("inf")
