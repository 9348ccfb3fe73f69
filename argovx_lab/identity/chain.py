"""From settings to held tokens: the first one, the impersonated one, the one for Cloud Storage.

Owns which token a service gets, and what is said of who that is. Refuses nothing itself: the settings have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Optional, Union
from urllib.parse import urlsplit

from argovx_lab.errors import ArgovxError, CredentialError, PermissionMissing
from argovx_lab.identity import exchange
from argovx_lab.identity.addresses import is_metadata
from argovx_lab.identity.credentials import Downscoped, Federated, Impersonated, Machine, Person
from argovx_lab.identity.exchange import Exchange
from argovx_lab.identity.holder import Held, Holder
from argovx_lab.identity.http import Transport
from argovx_lab.identity.settings import FEDERATED, GCLOUD, METADATA, SUPPLIERS, Federation
from argovx_lab.identity.suppliers import TokenFile, TokenVariable, person
from argovx_lab.redact import Unpicklable

#: The one service whose tokens can have a boundary.
STORAGE = "storage"

Subject = Union[TokenFile, TokenVariable]
Refused = Callable[[int, str], Optional[Exception]]


@dataclass(frozen=True)
class Seen:
    """Who acts, as far as the tokens tell.

    Parameters
    ----------
    google : str
        IAM principal: ``principal://…``, ``serviceAccount:…`` or ``user:…``.
    through : str
        How the token is had, hop by hop.
    scope : tuple of str
        OAuth scopes, and the boundary's places when there is one.
    """

    google: str
    through: str
    scope: tuple[str, ...]
    expires_at: Optional[datetime]


class Chain(Unpicklable):
    """The tokens of one process.

    Parameters
    ----------
    environ : mapping
        Where an OIDC token's variable is looked up; empty where none is used.
    """

    def __init__(self, federation: Federation, transport: Transport, environ: Mapping[str, str]) -> None:
        self._federation = federation
        self._transport = transport
        self._subject = self._supplier(environ) if federation.supplier in FEDERATED else None
        self._account = ""
        self._first = self._first_holder()
        self._wide = self._impersonated() if federation.narrowing.impersonate else self._first
        self._storage = self._downscoped() if federation.narrowing.boundary else self._wide

    def of(self, service: str) -> Holder:
        """Return the token that a service gets."""
        return self._storage if service == STORAGE else self._wide

    def renew(self) -> None:
        """Have all tokens anew."""
        for holder in dict.fromkeys((self._first, self._wide, self._storage)):
            holder.renew(holder.token)

    @property
    def expires_at(self) -> Optional[datetime]:
        """End of the token that ends first, or ``None`` when none is held."""
        ends = [holder.expires_at for holder in (self._wide, self._storage)]
        return min((end for end in ends if end), default=None)

    def seen(self) -> Seen:
        """Return who acts; tokens are had where none are held.

        Raises
        ------
        CredentialError, PermissionMissing, Unavailable
            When there are none to be had.
        """
        self._wide.ensure()
        self._storage.ensure()
        narrowing = self._federation.narrowing
        through = SUPPLIERS[self._federation.supplier]
        through += ", STS" if self._subject else ""
        through += f", impersonation of {narrowing.impersonate}" if narrowing.impersonate else ""
        through += ", downscoped" if narrowing.boundary else ""
        scope = tuple(scope.rpartition("/")[2] for scope in self._federation.scopes)
        scope += tuple(
            f"storage: {'write' if grant.writes else 'read'} {grant.uri}" for grant in narrowing.boundary
        )
        google = f"serviceAccount:{narrowing.impersonate}" if narrowing.impersonate else self._who()
        return Seen(google, through, scope, self.expires_at)

    def _who(self) -> str:
        """Return the principal of the first token."""
        if self._subject:
            pool = self._federation.audience.removeprefix("//iam.googleapis.com/").partition("/providers/")[0]
            return f"principal://iam.googleapis.com/{pool}/subject/{self._subject.subject}"
        if self._federation.supplier == METADATA:
            return f"serviceAccount:{self._first.credential.service_account_email}"
        return f"user:{self._account}" if self._account else "user: who signed in with gcloud"

    def _supplier(self, environ: Mapping[str, str]) -> Subject:
        federation = self._federation
        if federation.token_variable:
            name = federation.token_variable
            return TokenVariable(name, lambda: environ.get(name, ""), explain=self._clock)
        return TokenFile(federation.token_file, explain=self._clock)

    def _clock(self) -> str:
        """Return what is wrong with this machine's clock; asked without a token."""
        once = replace(self._federation.sts, tries=1)
        url = self._federation.token_url
        try:
            answer = self._transport.send("GET", url, patience=once, repeat=False, service="STS", stream=True)
        except ArgovxError:
            return ""
        answer.close()
        return exchange.skew(answer.headers)

    def _exchange(
        self,
        service: str,
        url: Union[str, Callable[[str], bool]],
        checked: Callable[[bytes], bytes],
        refused: Optional[Refused] = None,
    ) -> Exchange:
        def allows(method: str, asked: str) -> bool:
            if callable(url):
                return method == "GET" and url(asked)
            return method == "POST" and asked == url

        patience = self._federation.sts
        return Exchange(
            self._transport, patience, service=service, allows=allows, checked=checked, refused=refused
        )

    def _first_holder(self) -> Holder:
        federation = self._federation
        if self._subject:
            sts = self._exchange("STS", federation.token_url, exchange.granted)
            return Holder(Federated(federation, self._subject), sts)
        if federation.supplier == GCLOUD:
            found = person(federation.token_file)
            self._account = found["account"]
            oauth = self._exchange("Google's sign-in", federation.oauth_url, _signed_in, _signed_out)
            return Holder(Person(federation, found), oauth)
        machine = self._exchange("the metadata server", _of_metadata, exchange.metadata, _no_account)
        return Holder(Machine(federation), machine)

    def _impersonated(self) -> Holder:
        url = self._federation.narrowing.url
        service = self._exchange("iamcredentials", url, exchange.impersonated, self._not_allowed)
        return Holder(Impersonated(self._federation, Held(self._first)), service)

    def _downscoped(self) -> Holder:
        def checked(data: bytes) -> bytes:
            return exchange.granted(data, lifetime=False)

        sts = self._exchange("STS", self._federation.token_url, checked)
        return Holder(Downscoped(self._federation, Held(self._wide)), sts)

    def _not_allowed(self, status: int, message: str) -> Optional[Exception]:
        account, who = self._federation.narrowing.impersonate, self._who()
        if status == 404:
            return CredentialError(
                f"service account {account} does not exist", hint="Check impersonate in the profile."
            )
        if status != 403:
            return None
        project = account.partition("@")[2].partition(".")[0]
        return PermissionMissing(
            f"{who} may not have tokens of {account} ({message})",
            hint=f"gcloud iam service-accounts add-iam-policy-binding {account} --project={project} "
            f"--role=roles/iam.serviceAccountTokenCreator --member={who}",
        )


def _of_metadata(url: str) -> bool:
    path = urlsplit(url).path
    return is_metadata(url) and "/computeMetadata/v1/instance/service-accounts/" in path and ".." not in path


def _no_account(status: int, message: str) -> Optional[Exception]:
    if status in (403, 404):
        return CredentialError(
            f"this machine has no service account for us ({message})", hint="Set sign_in in the profile."
        )
    return None


def _signed_in(data: bytes) -> bytes:
    return exchange.granted(data, "Google's sign-in")


def _signed_out(status: int, message: str) -> Optional[Exception]:
    if status in (400, 401):
        return CredentialError(
            f"gcloud's sign-in is over ({message})", hint="Run: gcloud auth application-default login"
        )
    return None
