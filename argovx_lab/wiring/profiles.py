"""Profiles: the one object that names everything that differs between sandbox and cluster.

Owns the environment variables of kernel, server and CLI: ``ARGOVX_PROFILE`` (name, default ``sandbox``),
``ARGOVX_CONFIG`` (path of an ``argovx.toml``), ``ARGOVX_SANDBOX`` (state folder of the sandbox),
``ARGOVX_USER`` (who acts; default: the login name). Unknown settings are refused by name.
"""

from __future__ import annotations

import getpass
import os
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from argovx_lab.errors import SpecError
from argovx_lab.identity.settings import SUPPLIERS, TOKEN_FILE
from argovx_lab.model import names
from argovx_lab.model.layout import Layout
from argovx_lab.model.principal import Principal
from argovx_lab.wiring import signin

SANDBOX = "sandbox"

#: What every view of a sandbox run says: once it has ended, and while it is under way.
SANDBOX_NOTE = "ran on this machine, no T4, no charge"
SANDBOX_NOTE_NOW = "runs on this machine, no T4, no charge"

#: Container images that steps may name without a profile of their own; the first is the default.
#: Source: Vertex AI, prebuilt containers for custom training.
IMAGES = (
    "us-docker.pkg.dev/vertex-ai/training/sklearn-cpu.1-6:latest",
    "us-docker.pkg.dev/vertex-ai/training/pytorch-gpu.2-4.py310:latest",
    "us-docker.pkg.dev/vertex-ai/training/tf-cpu.2-17.py310:latest",
    "python:3.11",
    "python:3.12",
)

LAUNCHER_IMAGE = "argovx/launcher:0.1"

#: Most custom jobs outside the notebook's steps that a profile may ask for. Reason: a list is read in pages.
JOBS_MAX = 200

_USER_MAX = 30


@dataclass(frozen=True)
class Endpoints:
    """Base URLs of the Google services; an empty one means Google's own address."""

    sts: str
    aiplatform: str
    storage: str
    iam: str = ""
    resourcemanager: str = ""
    iamcredentials: str = ""
    logging: str = "https://logging.googleapis.com"


@dataclass(frozen=True)
class Profile:
    """Everything that differs between the sandbox and a deployment.

    Parameters
    ----------
    kubeconfig, context : str
        Which cluster, as whom.
    audience, token_file : str
        Workload identity provider and the token that is exchanged there.
    sign_in, token_variable : str
        Where the notebook's token comes from: ``identity.settings.SUPPLIERS``; the variable of an OIDC token.
    impersonate, impersonate_lifetime_s : str, int
        Service account whose tokens are used (``{user}`` stands for the user); life of one, in seconds.
    downscope, inputs : bool, tuple of str
        Whether the token for Cloud Storage is bounded to the user's folder and the inputs, and the inputs
        (``gs://…/``; by default the bucket's ``datasets/``).
    token_hosts, proxy : tuple of str, str
        Further hosts that may see a token; the proxy that Google is reached through.
    ca_file : str
        PEM bundle for the Google endpoints; empty means public roots.
    images : tuple of str
        Images that steps may name; a trailing ``*`` matches any rest. The first is the default.
    cache : str
        What steps do without ``--cache``: ``read`` or ``off``.
    note, note_now : str
        What every view of a run says: once it has ended, and while it is under way (empty: the same).
    vertex_jobs, vertex_filter : int, str
        How many custom jobs outside the notebook's steps the panel shows, the newest (0: none); the filter of
        Vertex' list that picks them.
    """

    name: str
    kubeconfig: str
    context: str
    namespace: str
    project: str
    project_number: str
    region: str
    bucket: str
    user: str
    run_as: str
    audience: str
    token_file: str
    endpoints: Endpoints
    prefix: str = ""
    ca_file: str = ""
    launcher_image: str = LAUNCHER_IMAGE
    images: tuple[str, ...] = IMAGES
    note: str = ""
    note_now: str = ""
    bucket_poll_s: float = 2.0
    vertex_poll_s: float = 20.0
    vertex_jobs: int = 50
    vertex_filter: str = ""
    sign_in: str = TOKEN_FILE
    token_variable: str = ""
    impersonate: str = ""
    impersonate_lifetime_s: int = 3600
    downscope: bool = False
    inputs: tuple[str, ...] = ()
    token_hosts: tuple[str, ...] = ()
    proxy: str = ""
    cache: str = "read"

    @property
    def account(self) -> str:
        """The service account that is impersonated, or nothing."""
        return self.impersonate.replace("{user}", self.user)

    @property
    def kernel(self) -> str:
        """The Kubernetes user name of the notebook's ServiceAccount."""
        return f"system:serviceaccount:{self.namespace}:{names.kernel_account(self.user)}"

    @property
    def read_places(self) -> tuple[str, ...]:
        """Where a notebook may read besides the user's own folder."""
        head = f"{self.prefix.strip('/')}/" if self.prefix.strip("/") else ""
        return self.inputs or (f"gs://{self.bucket}/{head}datasets/",)

    @property
    def layout(self) -> Layout:
        """Paths of this user in the bucket."""
        return Layout(self.bucket, self.user, self.prefix)

    @property
    def principal(self) -> Principal:
        """Who acts under this profile, as it says; ``Services.principal`` asks both ends."""
        own = self.layout.uri(self.layout.root)
        return Principal(
            user=self.user,
            account=self.kernel,
            google=signin.expected(self),
            run_as=self.run_as,
            through=SUPPLIERS[self.sign_in],
            may_read=(own, *self.read_places),
            may_write=(own,),
        )


def current_user() -> str:
    """Return the slug of the person at this machine."""
    return names.slug(os.environ.get("ARGOVX_USER") or getpass.getuser(), _USER_MAX)


def sandbox_dir() -> Path:
    """Return the state folder of this user's sandbox."""
    named = os.environ.get("ARGOVX_SANDBOX")
    if named:
        return Path(named).expanduser().absolute()
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "argovx" / "sandbox"


def profile_names() -> list[str]:
    """Return the names of the profiles that can be used."""
    return [SANDBOX, *sorted(set(_documents()) - {SANDBOX})]


def default_name() -> str:
    """Return the name of the profile that is used where none is named."""
    return os.environ.get("ARGOVX_PROFILE") or SANDBOX


def load_profile(name: str = "") -> Profile:
    """Return a profile; the sandbox is started when it is not running.

    Raises
    ------
    SpecError
        When there is no such profile, or its document is wrong.
    SandboxError
        When the sandbox cannot be started.
    """
    name = name or default_name()
    if name == SANDBOX:
        from argovx_lab.wiring.local import sandbox_profile, start_sandbox

        return sandbox_profile(start_sandbox())
    documents = _documents()
    if name not in documents:
        raise SpecError(
            f"there is no profile {name!r}; there are: {', '.join(profile_names())}",
            hint="Add [profiles.NAME] to argovx.toml in this folder; docs/profiles.md shows one.",
        )
    return _from_document(name, documents[name])


def _documents() -> dict[str, Mapping[str, Any]]:
    named = os.environ.get("ARGOVX_CONFIG")
    config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    paths = [Path(named)] if named else [Path(config) / "argovx" / "argovx.toml", Path("argovx.toml")]
    found: dict[str, Mapping[str, Any]] = {}
    for path in paths:
        if not path.is_file():
            continue
        try:
            document = tomllib.loads(path.read_text())
        except tomllib.TOMLDecodeError as error:
            raise SpecError(f"{path.name} is not TOML: {error}") from error
        found.update(document.get("profiles") or {})
        if SANDBOX in found:
            raise SpecError(
                f"{path.name} has a profile {SANDBOX!r}, which is built in", hint="Give it another name."
            )
    return found


_DERIVED = frozenset({"name", "endpoints", "note", "note_now"})

#: Settings that are lists, and of what.
_LISTS = {"images": "image names", "inputs": "places", "token_hosts": "host names"}


def _from_document(name: str, document: Mapping[str, Any]) -> Profile:
    allowed = {f.name for f in fields(Profile)} - _DERIVED
    unknown = sorted(set(document) - allowed)
    if unknown:
        raise SpecError(
            f"profile {name}: unknown settings {', '.join(unknown)}",
            hint=f"Allowed are: {', '.join(sorted(allowed))}.",
        )
    values: dict[str, Any] = {"user": current_user(), **document}
    missing = sorted(_required() - values.keys())
    if missing:
        raise SpecError(
            f"profile {name} lacks {', '.join(missing)}", hint="docs/profiles.md shows a whole one."
        )
    _check_types(name, values)
    signin.check(name, document)
    region = values["region"]
    values = {"token_file": "", "images": IMAGES, **values}
    values |= {key: tuple(values[key]) for key in _LISTS.keys() & values.keys()}
    return Profile(
        name=name,
        endpoints=Endpoints(
            sts="https://sts.googleapis.com",
            aiplatform=f"https://{region}-aiplatform.googleapis.com",
            storage="https://storage.googleapis.com",
        ),
        **values,
    )


def _check_types(name: str, values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if key in _LISTS:
            good = isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value)
            wanted = f"a list of {_LISTS[key]}, at least one"
        elif key == "cache":
            good, wanted = value in ("read", "off"), "read or off"
        elif key == "downscope":
            good, wanted = isinstance(value, bool), "true or false"
        elif key == "impersonate_lifetime_s":
            good, wanted = type(value) is int, "a number of seconds"
        elif key == "vertex_jobs":
            good, wanted = type(value) is int and 0 <= value <= JOBS_MAX, f"a number from 0 to {JOBS_MAX}"
        elif key.endswith("_poll_s"):
            good, wanted = isinstance(value, (int, float)) and value > 0, "a number of seconds above 0"
        else:
            good, wanted = isinstance(value, str), "a text"
        if not good:
            raise SpecError(f"profile {name}: {key} must be {wanted}, not {value!r}")


def _required() -> set[str]:
    given = {f.name for f in fields(Profile) if f.default is not MISSING}
    return {f.name for f in fields(Profile)} - _DERIVED - given - {"token_file"}
