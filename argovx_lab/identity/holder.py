"""One credential, kept fresh: renewed ahead of its end, at a random moment, by one thread at a time.

Owns when a token is renewed and what happens when that fails. Refuses to trust the wall clock alone: a
token's life is counted from its arrival, so that no jump of the clock prolongs it.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NoReturn, Optional

from google.auth import credentials, exceptions

from argovx_lab.errors import CredentialError, Unavailable
from argovx_lab.redact import Unpicklable

log = logging.getLogger(__name__)

#: A token is renewed this long before its end, or a quarter of its life where that is shorter. Unit: seconds.
#: Source: google-auth's own threshold, which it applies to tokens of any length.
AHEAD_S = 225.0

#: The renewal is moved ahead by a random part of this, or of a tenth of the life. Unit: seconds.
#: Reason: 500 launchers that started together do not come back together.
JITTER_S = 60.0

#: A token with less life than this is not sent any more. Unit: seconds.
LAST_S = 10.0

#: Pause after a failed renewal while the present token still lives. Unit: seconds.
PAUSE_S = 15.0


class Holder(Unpicklable):
    """Keeps one of google-auth's credentials fresh; safe to share between threads.

    Parameters
    ----------
    credential : google.auth.credentials.Credentials
        Renewed by its own ``refresh``.
    exchange : callable
        The transport that ``refresh`` is given.
    clock : callable
        Seconds that never jump.
    chance : callable
        A random number from 0 up to 1.
    """

    def __init__(
        self,
        credential: Any,
        exchange: Any,
        *,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.credential = credential
        self._exchange = exchange
        self._clock = clock
        self._chance = chance
        self._single = threading.Lock()
        self._renew_at = self._last_at = float("-inf")

    @property
    def token(self) -> Optional[str]:
        """The token now held, which may have ended."""
        held: Optional[str] = self.credential.token
        return held

    @property
    def expires_at(self) -> Optional[datetime]:
        """End of the token now held, or ``None`` when none is held."""
        end: Optional[datetime] = self.credential.expiry
        return end.replace(tzinfo=UTC) if end and self.token else None

    def ensure(self) -> str:
        """Return a token with some life in it.

        Raises
        ------
        CredentialError, PermissionMissing, Unavailable
            When none can be had. While the present one lives, a service that is out of reach is no error.
        """
        if not self._fresh():
            with self._single:
                if not self._fresh():
                    self._renew_or_go_on()
        return str(self.token)

    def renew(self, seen: Optional[str]) -> None:
        """Renew unless somebody already has: ``seen`` is the token that was found wanting."""
        with self._single:
            if self.token is None or self.token == seen:
                self._renew()

    def _fresh(self) -> bool:
        end = self.expires_at
        return end is not None and self._clock() < self._renew_at and datetime.now(UTC) < end

    def _renew_or_go_on(self) -> None:
        try:
            self._renew()
        except Unavailable as error:
            end, now = self.expires_at, self._clock()
            if end is None or now >= self._last_at or datetime.now(UTC) >= end:
                raise
            self._renew_at = min(now + PAUSE_S, self._last_at)
            log.warning("the access token is not renewed yet, the present one is used on: %s", error)

    def _renew(self) -> None:
        try:
            self.credential.refresh(self._exchange)
        except exceptions.GoogleAuthError as error:
            raise CredentialError(
                f"no access token could be had ({type(error).__name__})", hint="See `argovx doctor`."
            ) from None
        end = self.expires_at
        if end is None:
            raise CredentialError("the access token does not say when it ends", hint="See `argovx doctor`.")
        life, now = (end - datetime.now(UTC)).total_seconds(), self._clock()
        ahead = min(AHEAD_S, life / 4) + self._chance() * min(JITTER_S, life / 10)
        self._renew_at, self._last_at = now + life - ahead, now + life - min(LAST_S, life / 4)


class Held(credentials.Credentials):
    """A held credential as google-auth wants to see the source of another one.

    google-auth's downscoped credentials renew their source at every turn; this one answers from the holder.
    """

    def __init__(self, holder: Holder) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._holder = holder

    @property
    def token_state(self) -> credentials.TokenState:
        """Always stale, so that google-auth asks :meth:`refresh`, which knows better."""
        return credentials.TokenState.STALE

    def refresh(self, request: object) -> None:  # noqa: ARG002  (the holder has its own)
        """Take the holder's token, fresh."""
        self.token = self._holder.ensure()
        self.expiry = self._holder.credential.expiry

    def __copy__(self) -> Held:
        """google-auth copies a source before it uses it; there is one only."""
        return self

    def __repr__(self) -> str:
        return repr(self._holder)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("Held holds a token and cannot be pickled or copied")
