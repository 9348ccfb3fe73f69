"""HTTPS by the standard library: one kept connection per thread, the machine's proxy and CA honoured.

Owns transport and retries. Refuses plain HTTP, redirects and every host but the one it is made for.
"""

from __future__ import annotations

import base64
import http.client
import random
import ssl
import threading
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Callable, Optional, Protocol, Union

from argovx_lab.errors import Unavailable

#: Longest wait for one answer to begin. Unit: seconds.
TIMEOUT_S = 60.0

#: Pauses before each repetition of a call that may succeed later. Unit: seconds.
PAUSES_S = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)

_RETRY = frozenset({408, 429, 500, 502, 503, 504})

#: How much of a file is read and sent at once. Unit: bytes.
BLOCK_BYTES = 1 << 20


class Readable(Protocol):
    """What http.client sends block by block."""

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""


Body = Union[bytes, memoryview, Readable, None]


@dataclass(frozen=True)
class Answer:
    """Status, headers (lower case) and the open body of one answer."""

    status: int
    headers: dict[str, str]
    stream: http.client.HTTPResponse

    def read(self, limit_bytes: int) -> bytes:
        """Return the body; raises `Unavailable` when it breaks off or goes beyond ``limit_bytes``."""
        try:
            data = self.stream.read(limit_bytes + 1)
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable("an answer broke off (%s)" % type(error).__name__) from error
        expected = self.headers.get("content-length", "")
        if expected.isdigit() and len(data) < min(int(expected), limit_bytes):  # read() does not say so
            raise Unavailable("an answer broke off after %d of %s bytes" % (len(data), expected))
        if len(data) > limit_bytes:
            raise Unavailable("an answer is longer than %d bytes" % limit_bytes)
        return data


@dataclass(frozen=True)
class _Miss:
    """Why a try came to nothing that may come to something later."""

    reason: str
    status: Optional[int] = None
    retry_after: Optional[str] = None


class Https:
    """Calls to one host.

    Parameters
    ----------
    host : str
        Host name, without scheme; port 443.
    service : str
        The remote end's name in errors.
    """

    def __init__(self, host: str, service: str) -> None:
        self._host = host
        self._service = service
        self._local = threading.local()
        self._context = ssl.create_default_context()

    def call(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        body: Callable[[], Body] = lambda: None,
    ) -> tuple[Answer, int]:
        """Make one call, repeated while the remote end is busy or out of reach.

        Parameters
        ----------
        body : callable
            Makes the body anew for each repetition: files are read again.

        Returns
        -------
        tuple of Answer and int
            The answer, whose body the caller reads to its end, and how many times it was sent.

        Raises
        ------
        Unavailable
            When it did not succeed after all repetitions.
        """
        miss = _Miss("")
        for count, pause_s in enumerate((*PAUSES_S, None), 1):
            found = self._try(method, path, headers, body)
            if isinstance(found, Answer):
                return found, count
            miss = found
            if pause_s is not None:
                wait_s = _longer(pause_s, miss.retry_after)
                time.sleep(wait_s * random.uniform(0.8, 1.2))  # noqa: S311  (jitter, no secret)
        raise Unavailable(
            "%s did not answer a %s (%s)" % (self._service, method, miss.reason),
            hint="Run the step again.",
            service=self._service,
            status=miss.status,
        )

    def _try(
        self, method: str, path: str, headers: dict[str, str], body: Callable[[], Body]
    ) -> Union[Answer, _Miss]:
        try:
            answer = self._once(method, path, headers, body())
            if answer.status not in _RETRY:
                return answer
            answer.stream.read()
        except (OSError, http.client.HTTPException) as error:
            self.drop()
            return _Miss(type(error).__name__)
        return _Miss("HTTP %d" % answer.status, answer.status, answer.headers.get("retry-after"))

    def drop(self) -> None:
        """Close this thread's connection."""
        connection = getattr(self._local, "connection", None)
        self._local.connection = None
        if connection is not None:
            connection.close()

    def _once(self, method: str, path: str, headers: dict[str, str], body: Body) -> Answer:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect()
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response)

    def _connection(self, host: str, port: Optional[int]) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(
            host, port, timeout=TIMEOUT_S, context=self._context, blocksize=BLOCK_BYTES
        )

    def _connect(self) -> http.client.HTTPSConnection:
        proxy = _proxy(self._host)
        if proxy is None:
            return self._connection(self._host, None)
        host, port, auth = proxy
        connection = self._connection(host, port)
        connection.set_tunnel(self._host, 443, headers={"Proxy-Authorization": auth} if auth else {})
        return connection


def _proxy(host: str) -> Optional[tuple[str, int, str]]:
    """Return host, port and authorization of the proxy for ``host``, or ``None``."""
    if urllib.request.proxy_bypass_environment(host):  # type: ignore[attr-defined]
        return None
    url = urllib.request.getproxies_environment().get("https")
    if not url:
        return None
    parts = urllib.parse.urlsplit(url if "://" in url else "http://" + url)
    auth = ""
    if parts.username:
        pair = "%s:%s" % (urllib.parse.unquote(parts.username), urllib.parse.unquote(parts.password or ""))
        auth = "Basic " + base64.b64encode(pair.encode()).decode()
    return parts.hostname or "", parts.port or 8080, auth


def _longer(pause_s: float, retry_after: Optional[str]) -> float:
    if retry_after is None or not retry_after.isdigit():
        return pause_s
    return max(pause_s, min(float(retry_after), 30.0))
