"""The session that storage and vertex send their requests through: it adds the access token and nothing else.

Owns authorization of requests. Refuses hosts that may not see the token, whatever URL it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Optional

import requests

from argovx_lab.identity.addresses import check_address
from argovx_lab.identity.chain import Chain, Seen
from argovx_lab.identity.http import Observer, Transport
from argovx_lab.identity.settings import Federation, Patience
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
    environ : mapping, optional
        Where the variable of an OIDC token is looked up.
    """

    def __init__(
        self,
        federation: Federation,
        *,
        observer: Optional[Observer] = None,
        wait: Optional[Callable[[float], object]] = None,
        environ: Optional[Mapping[str, str]] = None,
    ) -> None:
        self._federation = federation
        self._transport = Transport(federation.ca_file, observer=observer, wait=wait, proxy=federation.proxy)
        self._chain = Chain(federation, self._transport, environ or {})

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
        service : str
            Who is asked; ``storage`` gets the token with the boundary, when there is one.

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
        holder = self._chain.of(service)
        used = holder.ensure()
        answer = self._send(method, url, headers, used, **body, **ways)
        if answer.status_code == 401 and _rewind(data):
            answer.close()
            holder.renew(used)
            answer = self._send(method, url, headers, holder.ensure(), **body, **ways)
        return answer

    def _patience(self, timeout_s: Optional[float]) -> Patience:
        usual = self._federation.api
        return usual if timeout_s is None else replace(usual, read_s=timeout_s)

    def _send(
        self, method: str, url: str, headers: Optional[Mapping[str, str]], token: str, **options: Any
    ) -> requests.Response:
        used = {**(headers or {}), "authorization": f"Bearer {token}"}
        return self._transport.send(method, url, headers=used, **options)

    def sign_in(self) -> None:
        """Have all tokens anew, now.

        Raises
        ------
        CredentialError, PermissionMissing, Unavailable
            As the token services answer.
        """
        self._chain.renew()

    def seen(self) -> Seen:
        """Return who acts, through what, until when; signs in where no token is held.

        Raises
        ------
        CredentialError, PermissionMissing, Unavailable
            As the token services answer.
        """
        return self._chain.seen()

    @property
    def expires_at(self) -> Optional[datetime]:
        """End of the token that ends first, or ``None`` when none is held."""
        return self._chain.expires_at

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()


def _rewind(data: Any) -> bool:
    """Tell whether a body can be sent again."""
    return data is None or isinstance(data, (bytes, str))
