"""Where tokens come from and what becomes of them: frozen objects, checked when they are built.

Refuses before a token is read what could not end well: an address that may not see one, a lifetime that
Google does not give, a boundary where Google documents none. Reads no environment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from argovx_lab.errors import CredentialError
from argovx_lab.identity.addresses import check_address, check_proxy, check_token_host
from argovx_lab.identity.boundary import Grant, check_grants

#: Scope of the exchanged token. Source: STS ``scope`` is required; narrower limits are IAM's.
SCOPE = "https://www.googleapis.com/auth/cloud-platform"

TOKEN_FILE, OIDC_FILE, OIDC_VARIABLE = "token-file", "oidc-file", "oidc-variable"
METADATA, GCLOUD = "metadata", "gcloud"

#: Where the first token may come from, and how people read it.
SUPPLIERS = {
    TOKEN_FILE: "projected ServiceAccount token",
    OIDC_FILE: "OIDC token in a file",
    OIDC_VARIABLE: "OIDC token in the environment",
    METADATA: "metadata server",
    GCLOUD: "gcloud's application default credentials",
}

#: Those whose token is exchanged at STS for a federated one.
FEDERATED = frozenset({TOKEN_FILE, OIDC_FILE, OIDC_VARIABLE})

#: Lifetimes of an impersonated token. Unit: seconds. Source: IAM, "short-lived credentials"; above an hour
#: only with the organisation policy ``iam.allowServiceAccountCredentialLifetimeExtension``.
LIFETIME_MIN_S, LIFETIME_MAX_S = 600, 43200

_ACCOUNT = re.compile(r"[a-z0-9][a-z0-9-]{0,61}[a-z0-9]@[a-z0-9][a-z0-9.-]*\.gserviceaccount\.com\Z")


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
class Narrowing:
    """What becomes of the first access token before it is used.

    Parameters
    ----------
    impersonate : str
        Service account whose token is had in its place; empty: none, the first one is used.
    lifetime_s : int
        Life of that token. Unit: seconds.
    boundary : tuple of Grant
        What the token for Cloud Storage may do at most; empty: no boundary, IAM alone decides.
    iamcredentials_url : str
        Base URL of the service that hands out that token.
    """

    impersonate: str = ""
    lifetime_s: int = 3600
    boundary: tuple[Grant, ...] = ()
    iamcredentials_url: str = "https://iamcredentials.googleapis.com"

    def check(self, supplier: str, hosts: tuple[str, ...]) -> None:
        """Refuse what Google would refuse, or does not document."""
        if self.impersonate and not _ACCOUNT.match(self.impersonate):
            raise CredentialError(
                f"impersonate: {self.impersonate!r} is not a service account",
                hint="It reads NAME@PROJECT.iam.gserviceaccount.com.",
            )
        if not LIFETIME_MIN_S <= self.lifetime_s <= LIFETIME_MAX_S:
            raise CredentialError(
                f"an impersonated token cannot live {self.lifetime_s} s",
                hint=f"Allowed are {LIFETIME_MIN_S} to {LIFETIME_MAX_S} s; over 3600 by organisation policy.",
            )
        check_address(self.iamcredentials_url, hosts)
        if self.boundary and not self.impersonate and supplier != METADATA:
            raise CredentialError(
                f"a token from {SUPPLIERS[supplier]} cannot be downscoped: Google documents that for "
                "service accounts only",
                hint="Set impersonate too; without it the managed folder's IAM is the boundary.",
            )
        check_grants(self.boundary)

    @property
    def url(self) -> str:
        """The one URL that the first token is sent to for an impersonated one."""
        base = self.iamcredentials_url.rstrip("/")
        return f"{base}/v1/projects/-/serviceAccounts/{self.impersonate}:generateAccessToken"


@dataclass(frozen=True)
class Federation:
    """How a token of this place becomes an access token.

    Parameters
    ----------
    sts_url : str
        Base URL of STS; its token URL is accepted as well. No other path is.
    audience : str
        Workload identity provider, ``//iam.googleapis.com/projects/…/providers/…``.
    token_file : str
        Path of the token, or of gcloud's credentials.
    ca_file : str
        PEM bundle that server certificates are checked against; empty means public roots.
    hosts : tuple of str
        Further hosts (``name`` or ``name:port``) that may see the token.
    supplier : str
        One of :data:`SUPPLIERS`.
    token_variable : str
        Name of the environment variable with an OIDC token.
    narrowing : Narrowing
        What becomes of the first access token.
    proxy : str
        URL of a proxy, without user information; variables such as ``HTTPS_PROXY`` are never read.
    oauth_url : str
        Where gcloud's refresh token is sent; what its file says about that is not read.

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
    supplier: str = TOKEN_FILE
    token_variable: str = ""
    narrowing: Narrowing = Narrowing()
    proxy: str = ""
    oauth_url: str = "https://oauth2.googleapis.com/token"

    def __post_init__(self) -> None:
        if self.supplier not in SUPPLIERS:
            raise CredentialError(
                f"sign_in {self.supplier!r} is not known", hint=f"Allowed are: {', '.join(SUPPLIERS)}."
            )
        if self.supplier in FEDERATED and not self.audience.startswith("//iam.googleapis.com/"):
            raise CredentialError(
                f"audience {self.audience!r} is not a workload identity provider",
                hint="It reads //iam.googleapis.com/projects/NUMBER/locations/global/"
                "workloadIdentityPools/POOL/providers/PROVIDER.",
            )
        if self.supplier == OIDC_VARIABLE and not self.token_variable:
            raise CredentialError("no variable with the token is named", hint="Set token_variable.")
        if self.supplier in (TOKEN_FILE, OIDC_FILE, GCLOUD) and not self.token_file:
            raise CredentialError("no token file is configured", hint="Set ARGOVX_TOKEN_FILE.")
        check_token_host(self.sts_url, "sts", "/v1/token", self.hosts)
        check_token_host(self.oauth_url, "oauth2", "/token", self.hosts)
        check_proxy(self.proxy)
        self.narrowing.check(self.supplier, self.hosts)

    @property
    def token_url(self) -> str:
        """The one URL that the subject token is sent to."""
        parts = urlsplit(self.sts_url)
        return self.sts_url if parts.path.strip("/") else f"{self.sts_url.rstrip('/')}/v1/token"
