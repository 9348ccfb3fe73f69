"""How a profile signs in at Google: its settings made a federation, and who that turns out to be.

Owns the settings ``sign_in``, ``token_variable``, ``impersonate``, ``impersonate_lifetime_s``, ``downscope``,
``inputs``, ``token_hosts`` and ``proxy``, and where gcloud keeps its credentials (``CLOUDSDK_CONFIG``).
Refuses a setting that another one makes void.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from argovx_lab.errors import ArgovxError, SpecError
from argovx_lab.identity.boundary import grants
from argovx_lab.identity.settings import (
    GCLOUD,
    METADATA,
    OIDC_FILE,
    OIDC_VARIABLE,
    SUPPLIERS,
    TOKEN_FILE,
    Federation,
    Narrowing,
)
from argovx_lab.identity.suppliers import TokenFile, TokenVariable
from argovx_lab.model.principal import Principal

if TYPE_CHECKING:
    from argovx_lab.wiring.profiles import Profile
    from argovx_lab.wiring.services import Services

#: Settings that only some suppliers read, and whether these must have them.
_READ = {
    "token_file": {TOKEN_FILE: True, OIDC_FILE: True, GCLOUD: False},
    "token_variable": {OIDC_VARIABLE: True},
}


def check(name: str, values: Mapping[str, Any]) -> None:
    """Refuse a profile's settings that do not go together.

    Raises
    ------
    SpecError
        With the setting and what to do.
    """
    supplier = values.get("sign_in", TOKEN_FILE)
    if supplier not in SUPPLIERS:
        raise SpecError(
            f"profile {name}: sign_in {supplier!r} is not known", hint=f"Allowed are: {', '.join(SUPPLIERS)}."
        )
    for key, readers in _READ.items():
        if key in values and supplier not in readers:
            raise SpecError(
                f"profile {name}: {key} has no meaning with sign_in = {supplier!r}", hint=f"Remove {key}."
            )
        if readers.get(supplier) and not values.get(key):
            raise SpecError(f"profile {name} lacks {key}", hint="docs/identity.md shows what each needs.")
    if "inputs" in values and not values.get("downscope"):
        raise SpecError(f"profile {name}: inputs has no meaning without downscope", hint="Remove inputs.")
    if "impersonate_lifetime_s" in values and not values.get("impersonate"):
        raise SpecError(
            f"profile {name}: impersonate_lifetime_s has no meaning without impersonate", hint="Remove it."
        )


def federation(profile: Profile) -> Federation:
    """Return how a profile's notebook signs in.

    Raises
    ------
    CredentialError
        For an address that may not see a token, or a boundary where Google documents none.
    """
    ends = profile.endpoints
    narrowing = Narrowing(profile.account, profile.impersonate_lifetime_s)
    if ends.iamcredentials:
        narrowing = replace(narrowing, iamcredentials_url=ends.iamcredentials)
    if profile.downscope:
        layout = profile.layout
        boundary = grants(layout.bucket, layout.root, profile.read_places, replaces=True)
        narrowing = replace(narrowing, boundary=boundary)
    return Federation(
        ends.sts,
        profile.audience,
        _gcloud_file(profile) if profile.sign_in == GCLOUD else profile.token_file,
        ca_file=profile.ca_file,
        hosts=profile.token_hosts,
        supplier=profile.sign_in,
        token_variable=profile.token_variable,
        narrowing=narrowing,
        proxy=profile.proxy,
    )


def subject(profile: Profile) -> TokenFile | TokenVariable:
    """Return the supplier of a profile whose token is exchanged at STS."""
    name = profile.token_variable
    return TokenVariable(name, lambda: os.environ.get(name, "")) if name else TokenFile(profile.token_file)


def environment() -> Mapping[str, str]:
    """Return where an OIDC token's variable is looked up."""
    return os.environ


def _gcloud_file(profile: Profile) -> str:
    if profile.token_file:
        return profile.token_file
    folder = os.environ.get("CLOUDSDK_CONFIG") or Path.home() / ".config" / "gcloud"
    return str(Path(folder) / "application_default_credentials.json")


def principal(services: Services) -> Principal:
    """Return who acts, as both ends see it; a sign-in that fails is said in ``problem``.

    Raises
    ------
    ArgovxError
        When Kubernetes cannot be asked.
    """
    known = services.profile.principal
    known = replace(known, account=services.cluster.who_am_i())
    try:
        seen = services.session.seen()
    except ArgovxError as error:
        return replace(known, problem=f"{error.message}. {error.hint}".strip())
    return replace(
        known, google=seen.google, through=seen.through, scope=seen.scope, expires_at=seen.expires_at
    )


def expected(profile: Profile) -> str:
    """Return the Google principal of a profile as far as it is known before anybody is asked."""
    if profile.account:
        return f"serviceAccount:{profile.account}"
    if profile.sign_in in (METADATA, GCLOUD):
        return ""
    pool = profile.audience.removeprefix("//iam.googleapis.com/").partition("/providers/")[0]
    return f"principal://iam.googleapis.com/{pool}/subject/{profile.kernel}"
