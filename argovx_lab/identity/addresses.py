"""Addresses that may see a token: ``https`` everywhere, plain ``http`` on loopback only, and a list of hosts.

Refuses any other address before a token is read. Subject tokens have a narrower list than access tokens: they
go to the token service's own host and path, nowhere else.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from argovx_lab.errors import CredentialError

#: Hosts that may see an access token without being named. Source: Google's own domain.
_TRUSTED_SUFFIX = ".googleapis.com"

#: Where the metadata server is. Source: Compute Engine, "Query VM metadata".
METADATA_HOSTS = frozenset({"metadata.google.internal", "169.254.169.254"})


def check_address(url: str, hosts: tuple[str, ...] = ()) -> None:
    """Refuse an address that no token may be sent to.

    Raises
    ------
    CredentialError
        For another scheme than ``https`` (or ``http`` on loopback), user information in the URL, or a host
        that is neither Google's, nor loopback, nor listed.
    """
    parts = _parts(url)
    host = parts.hostname or ""
    local = is_loopback(host)
    if parts.username is not None or parts.password is not None:
        raise CredentialError("an endpoint URL may not contain a user name or password")
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise CredentialError(
            f"endpoint {_origin(url)} is not https", hint="Plain http is allowed on 127.0.0.1 only."
        )
    if not (local or host.endswith(_TRUSTED_SUFFIX) or _listed(url, hosts)):
        raise CredentialError(
            f"endpoint {_origin(url)} may not see a token",
            hint="Allowed are *.googleapis.com, loopback and the hosts listed in the profile.",
        )


def check_token_host(url: str, name: str, path: str, hosts: tuple[str, ...] = ()) -> None:
    """Refuse an address that is not the token service's: a bucket of Google's is a host of Google's, too.

    Parameters
    ----------
    name : str
        First label of its host: ``sts`` is ``sts.googleapis.com`` or ``sts.REGION.rep.googleapis.com``.
    path : str
        The one path it may have, besides none.

    Raises
    ------
    CredentialError
        As :func:`check_address`, and for another host, path, query or fragment.
    """
    check_address(url, hosts)
    parts = _parts(url)
    host = parts.hostname or ""
    own = re.fullmatch(rf"{name}(\.[a-z0-9-]+\.rep)?\.googleapis\.com", host)
    if not (own or is_loopback(host) or _listed(url, hosts)):
        raise CredentialError(
            f"endpoint {_origin(url)} is not a token service",
            hint=f"Allowed are {name}.googleapis.com, loopback and the hosts listed in the profile.",
        )
    if parts.path.rstrip("/") not in ("", path) or parts.query or parts.fragment:
        raise CredentialError(f"the token URL of {_origin(url)} must be {path}, without a query")


def check_proxy(url: str) -> None:
    """Refuse a proxy that is no plain http(s) URL, or carries a password; none at all is fine."""
    if not url:
        return
    parts = _parts(url)
    if parts.username is not None or parts.password is not None:
        raise CredentialError(
            "a proxy URL may not contain a user name or password", hint="Run a local proxy that signs in."
        )
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
        raise CredentialError("proxy must be a URL such as http://proxy.example:3128")


def is_metadata(url: str) -> bool:
    """Tell whether a URL is the metadata server's: of Google, or one that plays it on loopback."""
    parts = _parts(url)
    host = parts.hostname or ""
    known = host in METADATA_HOSTS or is_loopback(host)
    return known and parts.scheme == "http" and parts.username is None


def is_loopback(host: str) -> bool:
    """Tell whether ``host`` is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  (raises when it is none)
    except ValueError:
        raise CredentialError("an endpoint is not a URL") from None
    return parts


def _listed(url: str, hosts: tuple[str, ...]) -> bool:
    parts = _parts(url)
    return bool({parts.hostname or "", parts.netloc.rpartition("@")[2]} & set(hosts))


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
