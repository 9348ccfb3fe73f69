"""The session that storage and vertex send their requests through: it adds the access token and nothing else.

Owns authorization of requests. Refuses hosts that may not see the token, whatever URL it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Optional

import requests
from google.auth import exceptions

from argovx_lab.errors import CredentialError
from argovx_lab.identity.http import Observer, Transport
from argovx_lab.identity.settings import Federation, Patience, check_address
from argovx_lab.identity.sts import FederatedCredentials
from argovx_lab.redact import Unpicklable

_HARMLESS = frozenset({"GET", "HEAD"})


class Session(Unpicklable):
    """Sends authorized requests; safe to share between threads.

    Parameters
    ----------
    federation : Federation
        Where tokens come from and where they may go.
    observer : Observer, optional
        Sees every request, the exchange included.
    wait : callable, optional
        Waits so many seconds between tries.
    """

    def __init__(
        self,
        federation: Federation,
        *,
        observer: Optional[Observer] = None,
        wait: Optional[Callable[[float], object]] = None,
    ) -> None:
        self._federation = federation
        self._transport = Transport(federation.ca_file, observer=observer, wait=wait)
        self._credentials = FederatedCredentials(federation, self._transport)

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Optional[Mapping[str, Any]] = None,
        headers: Optional[Mapping[str, str]] = None,
        data: Any = None,
        stream: bool = False,
        repeat: Optional[bool] = None,
        timeout_s: Optional[float] = None,
        service: str = "google",
    ) -> requests.Response:
        """Send one request and return its answer, whatever its status.

        Parameters
        ----------
        repeat : bool, optional
            Whether sending it twice is harmless; by default only for ``GET`` and ``HEAD``.
        timeout_s : float, optional
            Longest wait for a part of the answer, in seconds; by default the federation's.

        Raises
        ------
        CredentialError
            When no token could be had, or the host may not see one.
        Unavailable
            When no answer came; ``reason`` is ``NotSent`` or ``NoAnswer``.
        """
        check_address(url, self._federation.hosts)
        body = {"params": params, "data": data, "stream": stream}
        ways: dict[str, Any] = {"patience": self._patience(timeout_s), "service": service}
        ways["repeat"] = method in _HARMLESS if repeat is None else repeat
        answer = self._send(method, url, headers, **body, **ways)
        if answer.status_code == 401 and _rewind(data):
            answer.close()
            self._renew()
            answer = self._send(method, url, headers, **body, **ways)
        return answer

    def _patience(self, timeout_s: Optional[float]) -> Patience:
        usual = self._federation.api
        return usual if timeout_s is None else replace(usual, read_s=timeout_s)

    def _send(
        self, method: str, url: str, headers: Optional[Mapping[str, str]], **options: Any
    ) -> requests.Response:
        used = self._authorize(method, url, dict(headers or {}))
        return self._transport.send(method, url, headers=used, **options)

    def sign_in(self) -> None:
        """Exchange the subject token now.

        Raises
        ------
        CredentialError, PermissionMissing, Unavailable
            As STS answers.
        """
        self._renew()

    @property
    def expires_at(self) -> Optional[datetime]:
        """End of the access token now held, or ``None`` when none is held."""
        end: Optional[datetime] = self._credentials.expiry
        return end.replace(tzinfo=UTC) if end else None

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def _authorize(self, method: str, url: str, headers: dict[str, str]) -> dict[str, str]:
        try:
            self._credentials.before_request(None, method, url, headers)  # type: ignore[no-untyped-call]
        except exceptions.GoogleAuthError as error:
            raise CredentialError(
                f"no access token could be had ({type(error).__name__})", hint="See `argovx doctor`."
            ) from None
        return headers

    def _renew(self) -> None:
        try:
            self._credentials.refresh()
        except exceptions.GoogleAuthError as error:
            raise CredentialError(
                f"the access token could not be renewed ({type(error).__name__})", hint="See `argovx doctor`."
            ) from None


def _rewind(data: Any) -> bool:
    """Tell whether a body can be sent again."""
    return data is None or isinstance(data, (bytes, str))
