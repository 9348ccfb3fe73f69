"""Everything that the launcher is told by its environment, and every time that it waits: one frozen object.

Owns the names of the environment variables. The only module of the launcher that reads them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any
from urllib.parse import urlsplit

from argovx_lab.errors import SpecError
from argovx_lab.identity.addresses import check_address
from argovx_lab.identity.boundary import grants
from argovx_lab.identity.settings import API_PATIENCE, STS_PATIENCE, Federation, Narrowing, Patience
from argovx_lab.model.layout import Layout

_ACCOUNT_PREFIX = "wf-"

#: Makes Google's libraries log whole requests, subject tokens included. Source: google-auth, client_logging.
_SDK_LOGGING = "GOOGLE_SDK_PYTHON_LOGGING_SCOPE"

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")

#: Google's own addresses, where a deployment names none.
IAM_URL = "https://iam.googleapis.com"
RESOURCEMANAGER_URL = "https://cloudresourcemanager.googleapis.com"


@dataclass(frozen=True)
class Times:
    """How long the launcher waits for what. Unit: seconds, unless the name says otherwise.

    Parameters
    ----------
    started_s, started_poll_s : float
        For the Workflow to carry ``status.startedAt`` and the launcher's own node, and between looks.
    bucket_min_s, bucket_max_s : float
        Between looks into the bucket: short after news, longer in silence.
    vertex_first_s, vertex_max_s : float
        Between questions to Vertex while the job runs: the first, and the longest.
    settle_min_s, settle_max_s, settle_s : float
        Between questions once the runner has closed, and how long to ask at most.
    lookup_tries, lookup_s : int, float
        How often a job that may exist is looked up by its label (lists may be stale), and the first pause
        between; each further pause is twice as long.
    create_tries, busy_max_s, busy_s : int, float, float
        Tries of the create call whose fate was unknown, the longest pause when Vertex is busy, and the
        longest sum of pauses.
    creates_per_minute : float
        Most create calls of all of a user's launchers in any 60 seconds; 0 for no such limit. Lower it where
        several users share a project's quota.
    cancel_s, cancel_poll_s : float
        For Vertex to confirm a cancellation, and between questions.
    silence_s : float
        Pause after an end was out of reach while a job runs.
    request_first_s, request_max_s : float
        First and longest pause between tries of one request.
    await_s : float
        Between looks of ``await`` at the Workflow of the step that it waits for.
    hang_s : float
        How long a planned hang lasts: crash tests only.
    """

    started_s: float = 60.0
    started_poll_s: float = 0.2
    bucket_min_s: float = 0.2
    bucket_max_s: float = 2.0
    vertex_first_s: float = 10.0
    vertex_max_s: float = 75.0
    settle_min_s: float = 0.2
    settle_max_s: float = 15.0
    settle_s: float = 300.0
    lookup_tries: int = 5
    lookup_s: float = 5.0
    create_tries: int = 5
    busy_max_s: float = 60.0
    busy_s: float = 600.0
    creates_per_minute: float = 60.0
    cancel_s: float = 20.0
    cancel_poll_s: float = 0.5
    silence_s: float = 15.0
    request_first_s: float = 0.5
    request_max_s: float = 8.0
    await_s: float = 2.0
    hang_s: float = 30.0

    def patience(self, usual: Patience) -> Patience:
        """Return a request's patience with these pauses."""
        return replace(usual, first_s=self.request_first_s, max_s=self.request_max_s)


@dataclass(frozen=True)
class Settings:
    """The launcher's surroundings.

    Parameters
    ----------
    outputs : str
        Folder of the output parameter files.
    kubernetes_url : str
        API server.
    kubernetes_dir : str
        Folder with ``token``, ``ca.crt`` and ``namespace`` of the pod's ServiceAccount.
    faults : str
        Fault plan of the crash tests; empty in earnest.
    """

    federation: Federation
    aiplatform_url: str
    storage_url: str
    iam_url: str
    resourcemanager_url: str
    project: str
    region: str
    bucket: str
    prefix: str
    user: str
    outputs: str
    kubernetes_url: str
    kubernetes_dir: str
    namespace: str
    node_id: str
    workflow: str
    progress_file: str
    termination_log: str
    times: Times = Times()
    faults: str = ""
    faults_log: str = ""

    @property
    def layout(self) -> Layout:
        """Paths of this user in the bucket."""
        return Layout(self.bucket, self.user, self.prefix)

    def explain(self) -> dict[str, Any]:
        """Return all settings as plain data; there is no secret in them."""
        return asdict(self)


def from_environment(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings.

    Raises
    ------
    SpecError
        When a variable is missing or has an impossible value.
    CredentialError
        When an endpoint may not see a token.
    """
    env = os.environ if environ is None else environ
    if env.get(_SDK_LOGGING):
        raise SpecError(
            f"{_SDK_LOGGING} is set: Google's libraries would log tokens",
            hint="Remove it from the pod; ours is logged without it.",
        )
    times = _times(env.get("ARGOVX_TIMES", ""))
    folder = env.get("ARGOVX_KUBERNETES_DIR") or "/var/run/secrets/kubernetes.io/serviceaccount"
    return Settings(
        federation=_federation(env, times),
        aiplatform_url=_need(env, "ARGOVX_AIPLATFORM_URL"),
        storage_url=_need(env, "ARGOVX_STORAGE_URL"),
        iam_url=env.get("ARGOVX_IAM_URL") or IAM_URL,
        resourcemanager_url=env.get("ARGOVX_RESOURCEMANAGER_URL") or RESOURCEMANAGER_URL,
        project=_need(env, "ARGOVX_PROJECT"),
        region=_need(env, "ARGOVX_REGION"),
        bucket=_need(env, "ARGOVX_BUCKET"),
        prefix=env.get("ARGOVX_PREFIX", ""),
        user=_user(env),
        outputs=env.get("ARGOVX_OUTPUTS") or "/tmp/argovx",  # noqa: S108  (the template's path in the pod)
        kubernetes_url=_kubernetes(env),
        kubernetes_dir=folder,
        namespace=_namespace(env, folder),
        node_id=env.get("ARGO_NODE_ID", ""),
        workflow=env.get("ARGO_WORKFLOW_NAME", ""),
        progress_file=env.get("ARGO_PROGRESS_FILE", ""),
        termination_log=termination_log(env),
        times=times,
        faults=env.get("ARGOVX_FAULTS", ""),
        faults_log=env.get("ARGOVX_FAULTS_LOG", ""),
    )


def _federation(env: Mapping[str, str], times: Times) -> Federation:
    return Federation(
        sts_url=_need(env, "ARGOVX_STS_URL"),
        audience=_need(env, "ARGOVX_AUDIENCE"),
        token_file=_need(env, "ARGOVX_TOKEN_FILE"),
        ca_file=env.get("ARGOVX_CA_FILE", ""),
        hosts=tuple(filter(None, env.get("ARGOVX_HOSTS", "").split(","))),
        sts=times.patience(STS_PATIENCE),
        api=times.patience(API_PATIENCE),
        narrowing=_narrowing(env),
        proxy=env.get("ARGOVX_PROXY", ""),
    )


def _narrowing(env: Mapping[str, str]) -> Narrowing:
    given: dict[str, Any] = {"impersonate": env.get("ARGOVX_IMPERSONATE", "").replace("{user}", _user(env))}
    life, url = env.get("ARGOVX_IMPERSONATE_LIFETIME_S", ""), env.get("ARGOVX_IAMCREDENTIALS_URL", "")
    if life:
        if not life.isdigit():
            raise SpecError(f"ARGOVX_IMPERSONATE_LIFETIME_S is {life!r}, not a number of seconds")
        given["lifetime_s"] = int(life)
    if url:
        given["iamcredentials_url"] = url
    wanted = env.get("ARGOVX_DOWNSCOPE", "")
    if wanted not in ("", "true"):
        raise SpecError(f"ARGOVX_DOWNSCOPE is {wanted!r}", hint="It is 'true' or not set.")
    if wanted:
        layout = Layout(_need(env, "ARGOVX_BUCKET"), _user(env), env.get("ARGOVX_PREFIX", ""))
        given["boundary"] = grants(layout.bucket, layout.root, (), replaces=False)
    return Narrowing(**given)


def log_level(environ: Mapping[str, str] | None = None) -> str:
    """Return the level of log lines, ``ARGOVX_LOG_LEVEL``; warnings by default.

    Raises
    ------
    SpecError
        For a level that there is not.
    """
    level = (os.environ if environ is None else environ).get("ARGOVX_LOG_LEVEL") or "WARNING"
    if level not in _LEVELS:
        raise SpecError(f"ARGOVX_LOG_LEVEL is {level!r}", hint=f"Allowed are: {', '.join(_LEVELS)}.")
    return level


def termination_log(environ: Mapping[str, str] | None = None) -> str:
    """Return the path of the termination message; Kubernetes' own by default."""
    env = os.environ if environ is None else environ
    return env.get("ARGOVX_TERMINATION_LOG") or "/dev/termination-log"


def _need(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "")
    if not value:
        raise SpecError(f"{name} is not set", hint="The platform's template sets it; reinstall the template.")
    return value


def _user(env: Mapping[str, str]) -> str:
    account = env.get("ARGOVX_ACCOUNT", "")
    named = env.get("ARGOVX_USER", "")
    if account.startswith(_ACCOUNT_PREFIX):
        user = account[len(_ACCOUNT_PREFIX) :]
        if named and named != user:
            raise SpecError(f"ARGOVX_USER is {named!r}, but the pod runs as {account!r}")
        return user
    if account and not named:
        raise SpecError(
            f"the pod runs as {account!r}, which is no step account",
            hint="Step pods run as wf-<user>; set serviceAccountName.",
        )
    return named or _need(env, "ARGOVX_USER")


def _kubernetes(env: Mapping[str, str]) -> str:
    url = env.get("ARGOVX_KUBERNETES_URL", "")
    if url:
        check_address(url, (urlsplit(url).hostname or "",))
        return url
    host, port = _need(env, "KUBERNETES_SERVICE_HOST"), env.get("KUBERNETES_SERVICE_PORT", "443")
    return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"


def _namespace(env: Mapping[str, str], folder: str) -> str:
    named = env.get("ARGOVX_NAMESPACE", "")
    if named:
        return named
    try:
        with open(os.path.join(folder, "namespace"), encoding="utf-8") as file:
            return file.read(300).strip()
    except OSError as error:
        raise SpecError(f"the pod's namespace cannot be read ({error.strerror})") from error


def _times(text: str) -> Times:
    if not text:
        return Times()
    known = {field.name: field.type for field in fields(Times)}
    try:
        data = json.loads(text)
    except ValueError:
        data = None
    if not isinstance(data, dict) or not all(
        name in known and isinstance(value, (int, float)) and value >= 0 for name, value in data.items()
    ):
        raise SpecError("ARGOVX_TIMES is not an object of known times", hint=f"Known: {', '.join(known)}.")
    return Times(**data)
