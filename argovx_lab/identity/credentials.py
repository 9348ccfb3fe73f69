"""google-auth's own credential classes, sealed: they cannot be pickled, copied, rebuilt or sent elsewhere.

Owns what has to be set so that they speak to the addresses of our settings and to nobody else. Refuses the
methods that would make another credential out of one: some of them forget half of it.

Notes
-----
google-auth starts a background request to ``iamcredentials.googleapis.com`` ("regional access boundary") with
the access token attached. These classes opt out of it in the way that google-auth's own Compute Engine
credentials do, and build no address for it either.
"""

from __future__ import annotations

from typing import Any, NoReturn

from google.auth import compute_engine, downscoped, identity_pool, impersonated_credentials
from google.oauth2 import credentials as oauth2
from google.oauth2 import sts

from argovx_lab.identity.boundary import Grant
from argovx_lab.identity.holder import Held
from argovx_lab.identity.settings import OIDC_FILE, OIDC_VARIABLE, Federation
from argovx_lab.redact import MASK

_KIND = "urn:ietf:params:oauth:token-type:"

#: Kinds of subject tokens. Source: RFC 8693, section 3.
_JWT, _ID_TOKEN = f"{_KIND}jwt", f"{_KIND}id_token"


class Sealed:
    """Mix-in: holds a token, shows none, becomes nothing else."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {MASK}>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(f"{type(self).__name__} holds a token and cannot be pickled or copied")

    def _rebuilt(self, *_: object, **__: object) -> NoReturn:
        raise TypeError(f"{type(self).__name__} is built from settings only; change those")

    with_scopes = with_token_uri = with_quota_project = with_universe_domain = _rebuilt
    with_quota_project_from_environment = with_trust_boundary = with_non_blocking_refresh = _rebuilt

    def _is_regional_access_boundary_lookup_required(self) -> bool:
        return False

    def _build_regional_access_boundary_lookup_url(self, request: object = None) -> None:  # noqa: ARG002
        return None


class Federated(Sealed, identity_pool.Credentials):
    """Of a subject token that STS exchanges."""

    def __init__(self, federation: Federation, supplier: Any) -> None:
        identity_token = federation.supplier in (OIDC_FILE, OIDC_VARIABLE)
        super().__init__(  # type: ignore[no-untyped-call]
            audience=federation.audience,
            subject_token_type=_ID_TOKEN if identity_token else _JWT,
            token_url=federation.token_url,
            subject_token_supplier=supplier,
            scopes=list(federation.scopes),
        )


class Machine(Sealed, compute_engine.Credentials):
    """Of the service account that the metadata server answers for."""

    def __init__(self, federation: Federation) -> None:
        super().__init__(  # type: ignore[no-untyped-call]
            scopes=list(federation.scopes), universe_domain="googleapis.com"
        )


class Person(Sealed, oauth2.Credentials):
    """Of a person who has signed in with gcloud."""

    def __init__(self, federation: Federation, found: dict[str, str]) -> None:
        super().__init__(  # type: ignore[no-untyped-call]
            None,
            refresh_token=found["refresh_token"],
            client_id=found["client_id"],
            client_secret=found["client_secret"],
            token_uri=federation.oauth_url,
            scopes=None,  # what the person agreed to
        )


class Impersonated(Sealed, impersonated_credentials.Credentials):
    """Of a service account, had with another token."""

    def __init__(self, federation: Federation, source: Held) -> None:
        narrowing = federation.narrowing
        super().__init__(  # type: ignore[no-untyped-call]
            source_credentials=source,
            target_principal=narrowing.impersonate,
            target_scopes=list(federation.scopes),
            lifetime=narrowing.lifetime_s,
            iam_endpoint_override=narrowing.url,
        )
        self.expiry = None


class Downscoped(Sealed, downscoped.Credentials):
    """Of another token, with an access boundary around it."""

    def __init__(self, federation: Federation, source: Held) -> None:
        rules = [_rule(grant) for grant in federation.narrowing.boundary]
        super().__init__(source, downscoped.CredentialAccessBoundary(rules))  # type: ignore[no-untyped-call]
        # google-auth derives this address from the universe's name and has no setting for it
        self._sts_client = sts.Client(federation.token_url)  # type: ignore[no-untyped-call]


def _rule(grant: Grant) -> Any:
    condition = downscoped.AvailabilityCondition(grant.expression)  # type: ignore[no-untyped-call]
    return downscoped.AccessBoundaryRule(  # type: ignore[no-untyped-call]
        available_resource=f"//storage.googleapis.com/projects/_/buckets/{grant.bucket}",
        available_permissions=[f"inRole:{role}" for role in grant.roles],
        availability_condition=condition,
    )
