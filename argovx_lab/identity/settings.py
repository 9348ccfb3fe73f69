"""Where tokens come from and where they may go: one frozen object, checked when it is built.

Owns the address rules: ``https`` everywhere, plain ``http`` on loopback only, and a list of hosts that may
ever see a token. Refuses any other address before a token is read. Reads no environment.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from argovx_lab.errors import CredentialError

#: Scope of the exchanged token. Source: STS ``scope`` is required; narrower limits are IAM's.
SCOPE = "https://www.googleapis.com/auth/cloud-platform"

#: Hosts that may see a token without being named. Source: Google's own domain.
_TRUSTED_SUFFIX = ".googleapis.com"


@dataclass(frozen=True)
class Patience:
    """How long and how often a request is tried.

    Parameters
    ----------
    connect_s, read_s : float
        Time-outs of one request, in seconds.
    tries : int
        How often a repeatable request is sent at most.
    first_s, max_s : float
        First and longest wait between tries, in seconds; the real wait is a random share of it (full jitter).
    total_s : float
        No further try is started after this many seconds.
    """

    connect_s: float = 3.0
    read_s: float = 10.0
    tries: int = 3
    first_s: float = 0.5
    max_s: float = 8.0
    total_s: float = 20.0


#: An exchange is short and safe to repeat, but must not become a storm.
STS_PATIENCE = Patience()

#: Calls may move megabytes.
API_PATIENCE = Patience(read_s=60.0, total_s=120.0, tries=5)


@dataclass(frozen=True)
class Federation:
    """How a projected token becomes an access token.

    Parameters
    ----------
    sts_url : str
        Base URL of STS, or the token URL itself; ``/v1/token`` is appended to a URL without path.
    audience : str
        Workload identity provider, ``//iam.googleapis.com/projects/…/providers/…``.
    token_file : str
        Path of the projected ServiceAccount token.
    ca_file : str
        PEM bundle that server certificates are checked against; empty means public roots.
    hosts : tuple of str
        Further hosts (``name`` or ``name:port``) that may see the token.

    Raises
    ------
    CredentialError
        When an address is not allowed or a field is missing.
    """

    sts_url: str
    audience: str
    token_file: str
    ca_file: str = ""
    hosts: tuple[str, ...] = ()
    scopes: tuple[str, ...] = (SCOPE,)
    sts: Patience = STS_PATIENCE
    api: Patience = API_PATIENCE

    def __post_init__(self) -> None:
        if not self.audience.startswith("//iam.googleapis.com/"):
            raise CredentialError(
                f"audience {self.audience!r} is not a workload identity provider",
                hint="It reads //iam.googleapis.com/projects/NUMBER/locations/global/"
                "workloadIdentityPools/POOL/providers/PROVIDER.",
            )
        if not self.token_file:
            raise CredentialError("no token file is configured", hint="Set ARGOVX_TOKEN_FILE.")
        check_address(self.sts_url, self.hosts)

    @property
    def token_url(self) -> str:
        """The one URL that the subject token is sent to."""
        parts = urlsplit(self.sts_url)
        return self.sts_url if parts.path.strip("/") else f"{self.sts_url.rstrip('/')}/v1/token"


def check_address(url: str, hosts: tuple[str, ...] = ()) -> None:
    """Refuse an address that no token may be sent to.

    Raises
    ------
    CredentialError
        For another scheme than ``https`` (or ``http`` on loopback), user information in the URL, or a host
        that is neither Google's, nor loopback, nor listed.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    local = is_loopback(host)
    if parts.username is not None or parts.password is not None:
        raise CredentialError("an endpoint URL may not contain a user name or password")
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise CredentialError(
            f"endpoint {_origin(url)} is not https", hint="Plain http is allowed on 127.0.0.1 only."
        )
    named = {host, parts.netloc.rpartition("@")[2]}
    if not (local or host.endswith(_TRUSTED_SUFFIX) or named & set(hosts)):
        raise CredentialError(
            f"endpoint {_origin(url)} may not see a token",
            hint="Allowed are *.googleapis.com, loopback and the hosts listed in the profile.",
        )


def is_loopback(host: str) -> bool:
    """Tell whether ``host`` is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
