"""One hardened way to send an HTTP request: no redirects, no environment, explicit times, careful repeats.

Owns time-outs, back-off and the mapping of transport failures. Refuses to repeat a request that the caller
did not declare harmless, because an answer that was lost may have been a success.
"""

from __future__ import annotations

import email.utils
import logging
import random
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Optional, Protocol
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from argovx_lab.errors import RemoteError, Unavailable
from argovx_lab.identity.addresses import is_loopback, is_metadata
from argovx_lab.identity.settings import Patience

log = logging.getLogger(__name__)

#: Answers that say "later": the same request may succeed.
BUSY = frozenset({408, 429, 500, 502, 503, 504})

#: Header that this side adds to an answer: how many tries went before it.
REPEATS = "x-argovx-repeats"

#: ``Unavailable.reason`` when the request certainly did not reach the other end.
NOT_SENT = "NotSent"
#: ``Unavailable.reason`` when it may have been carried out although no answer came.
NO_ANSWER = "NoAnswer"


class Observer(Protocol):
    """Sees every request before it is sent and after it was answered; may raise to inject a fault."""

    def before(self, method: str, url: str) -> None:
        """Take note that a request is about to leave."""

    def after(self, method: str, url: str, status: int) -> None:
        """Take note that the answer is there."""


class Transport:
    """Sends requests.

    Parameters
    ----------
    ca_file : str
        PEM bundle of trusted roots; empty means public roots.
    observer : Observer, optional
        Numbered requests and fault hooks.
    wait : callable
        Waits so many seconds between tries; replaced where a signal must cut it short.
    proxy : str
        URL of the proxy for everything but loopback and the metadata server; empty: none.
    """

    def __init__(
        self,
        ca_file: str = "",
        *,
        observer: Optional[Observer] = None,
        wait: Optional[Callable[[float], object]] = None,
        proxy: str = "",
    ) -> None:
        self._proxy = proxy
        self._requests = requests.Session()
        self._requests.trust_env = False
        self._requests.verify = ca_file or True
        for scheme in ("https://", "http://"):
            self._requests.mount(scheme, HTTPAdapter(max_retries=0, pool_maxsize=16))
        self._observer = observer
        self._wait = wait or threading.Event().wait

    def close(self) -> None:
        """Close all connections."""
        self._requests.close()

    def send(
        self,
        method: str,
        url: str,
        *,
        patience: Patience,
        repeat: bool,
        service: str,
        params: Optional[Mapping[str, Any]] = None,
        headers: Optional[Mapping[str, str]] = None,
        data: Any = None,
        stream: bool = False,
    ) -> requests.Response:
        """Send one request and return its answer, whatever its status.

        Its header ``x-argovx-repeats`` says how many tries went before it.

        Parameters
        ----------
        repeat : bool
            Whether sending it twice is harmless; only then busy answers and lost answers are tried again.

        Raises
        ------
        Unavailable
            When no answer came; ``reason`` is ``NotSent`` or ``NoAnswer``.
        RemoteError
            For a certificate that is not trusted, or a redirect (never followed).
        """
        once = (method, url, patience, service, params, headers, data, stream)
        answer = self._repeat(once, patience, service) if repeat else self._once(*once)
        answer.headers.setdefault(REPEATS, "0")
        return answer

    def _repeat(self, once: tuple[Any, ...], patience: Patience, service: str) -> requests.Response:
        """Send until it is answered, the tries are used up or the time is over."""
        started = time.monotonic()
        repeats = 0
        while True:
            answer, failure = self._try(*once)
            done = failure is None and (answer is None or answer.status_code not in BUSY)
            repeats += 1
            delay = backoff(patience, repeats)
            if answer is not None:
                asked = retry_after(answer.headers)
                delay = delay if asked is None else asked
            spent = repeats >= patience.tries or time.monotonic() - started + delay > patience.total_s
            if done or spent:
                break
            log.debug("%s: try %d of %d in %.2f s", service, repeats + 1, patience.tries, delay)
            if answer is not None:
                answer.close()
            self._wait(delay)
        if answer is None:
            raise failure or Unavailable(f"{service} gave no answer", service=service)
        answer.headers[REPEATS] = str(repeats - 1)
        return answer

    def _try(self, *once: Any) -> tuple[Optional[requests.Response], Optional[Unavailable]]:
        try:
            return self._once(*once), None
        except Unavailable as error:
            return None, error

    def _once(
        self,
        method: str,
        url: str,
        patience: Patience,
        service: str,
        params: Optional[Mapping[str, Any]],
        headers: Optional[Mapping[str, str]],
        data: Any,
        stream: bool,
    ) -> requests.Response:
        if self._observer is not None:
            self._observer.before(method, url)
        try:
            answer = self._requests.request(
                method,
                url,
                params=params,
                headers=headers,
                data=data,
                stream=stream,
                timeout=(patience.connect_s, patience.read_s),
                allow_redirects=False,
                proxies=self._proxies(url),
            )
        except requests.RequestException as error:
            raise transport_error(error, url, service) from error
        if self._observer is not None:
            self._observer.after(method, url, answer.status_code)
        if answer.is_redirect:
            answer.close()
            raise RemoteError(
                f"{service} answered with a redirect ({answer.status_code}), which is not followed",
                hint="Check the endpoint's address and any proxy or captive portal in between.",
                service=service,
                status=answer.status_code,
            )
        return answer

    def _proxies(self, url: str) -> dict[str, str]:
        near = is_loopback(urlsplit(url).hostname or "") or is_metadata(url)
        return {"https": self._proxy} if self._proxy and not near else {}


def transport_error(error: requests.RequestException, url: str, service: str) -> RemoteError:
    """Return our error for a failure below HTTP."""
    place = urlsplit(url).netloc
    if isinstance(error, requests.exceptions.SSLError) and _untrusted(error):
        return RemoteError(
            f"{service} at {place} showed a certificate that is not trusted",
            hint="Check the endpoint's address and the CA file of the profile.",
            service=service,
            reason="Tls",
        )
    if isinstance(error, (requests.ConnectTimeout, requests.exceptions.ProxyError)) or _refused(error):
        return Unavailable(
            f"{service} at {place} cannot be reached",
            hint="Check the endpoint's address and the network.",
            service=service,
            reason=NOT_SENT,
        )
    kind = "did not answer in time" if isinstance(error, requests.Timeout) else "broke the connection"
    return Unavailable(f"{service} at {place} {kind}", service=service, reason=NO_ANSWER)


def _untrusted(error: BaseException) -> bool:
    """Tell whether a certificate was refused; a connection that ended in the middle of TLS is only broken."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        item = waiting.pop()
        if isinstance(item, ssl.SSLCertVerificationError):
            return True
        if isinstance(item, BaseException) and id(item) not in seen:
            seen.add(id(item))
            waiting += [*item.args, item.__cause__, item.__context__, getattr(item, "reason", None)]
    return False


def _refused(error: requests.RequestException) -> bool:
    from urllib3.exceptions import MaxRetryError, NameResolutionError, NewConnectionError

    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    return isinstance(reason, (NewConnectionError, NameResolutionError))


def backoff(patience: Patience, repeats: int) -> float:
    """Return a random wait before try ``repeats + 1``, in seconds (full jitter)."""
    ceiling = min(patience.max_s, patience.first_s * 2 ** (repeats - 1))
    return random.uniform(0, ceiling)  # noqa: S311  (spreads load, guards nothing)


def retry_after(headers: Mapping[str, str]) -> Optional[float]:
    """Return the wait that a ``Retry-After`` header asks for, in seconds, or ``None``."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        when = email.utils.parsedate_to_datetime(text)
        return max(0.0, when.timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None
