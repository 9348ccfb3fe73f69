"""Credential access boundaries: what a token for Cloud Storage may do at most, by prefix.

Owns the grammar of prefixes and the one expression that they are written into. Refuses a prefix that could
mean more than it says: one without a closing slash (``datasets/iris`` would open ``datasets/iris-private``),
with a quote or with a dot segment.
Source: https://cloud.google.com/iam/docs/downscoping-short-lived-credentials
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from argovx_lab.errors import CredentialError

#: A boundary holds at most this many rules. Source: same page.
RULES_MAX = 10

#: An expression is at most this long. Unit: characters. Source: IAM, "Overview of IAM Conditions".
_EXPRESSION_MAX = 2048

_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]\Z")
_PREFIX = re.compile(r"(?:[A-Za-z0-9_@+=][A-Za-z0-9._@+=-]*/)+\Z")

VIEWER, CREATOR, USER = (f"roles/storage.object{kind}" for kind in ("Viewer", "Creator", "User"))


@dataclass(frozen=True)
class Grant:
    """What is left of IAM's grants below one prefix.

    Parameters
    ----------
    prefix : str
        Of object names, with its closing slash.
    roles : tuple of str
        Predefined roles of Cloud Storage; their permissions are the upper limit.
    """

    bucket: str
    prefix: str
    roles: tuple[str, ...]

    @property
    def uri(self) -> str:
        """The place as ``gs://…``."""
        return f"gs://{self.bucket}/{self.prefix}"

    @property
    def writes(self) -> bool:
        """Whether objects may be made here."""
        return bool({CREATOR, USER} & set(self.roles))

    @property
    def expression(self) -> str:
        """The condition: objects below the prefix, and lists of nothing but them."""
        name = f"resource.name.startsWith('projects/_/buckets/{self.bucket}/objects/{self.prefix}')"
        listing = "api.getAttribute('storage.googleapis.com/objectListPrefix', '')"
        return f"{name} || {listing}.startsWith('{self.prefix}')"


def grants(bucket: str, root: str, inputs: tuple[str, ...], *, replaces: bool) -> tuple[Grant, ...]:
    """Return the grants of one user: their own folder and the inputs.

    Parameters
    ----------
    root : str
        The user's folder, ``users/<user>/``.
    inputs : tuple of str
        Places to read, as ``gs://bucket/prefix/``.
    replaces : bool
        Whether objects may be replaced and deleted, or only made.

    Raises
    ------
    CredentialError
        For a place that cannot be a boundary.
    """
    own = Grant(bucket, root, (USER,) if replaces else (VIEWER, CREATOR))
    found = (own, *(parse(place) for place in inputs))
    check_grants(found)
    return found


def parse(place: str) -> Grant:
    """Return the grant to read below ``gs://bucket/prefix/``."""
    if not place.startswith("gs://"):
        raise CredentialError(f"input {place!r} is not a place in Cloud Storage", hint="gs://BUCKET/PREFIX/")
    bucket, _, prefix = place[len("gs://") :].partition("/")
    return Grant(bucket, prefix, (VIEWER,))


def check_grants(found: tuple[Grant, ...]) -> None:
    """Refuse grants that do not make a boundary.

    Raises
    ------
    CredentialError
        For a bucket or prefix with another form than the grammar allows, or more than ten grants.
    """
    if len(found) > RULES_MAX:
        raise CredentialError(
            f"an access boundary holds at most {RULES_MAX} places, not {len(found)}",
            hint="Name a common parent folder of the inputs.",
        )
    for grant in found:
        good = _BUCKET.match(grant.bucket) and _PREFIX.match(grant.prefix)
        if not good or len(grant.expression) > _EXPRESSION_MAX:
            raise CredentialError(
                f"{grant.uri[:200]!r} cannot be a place of an access boundary",
                hint="It reads gs://BUCKET/FOLDER/ with a closing slash; letters, digits and ._-@+= only.",
            )
