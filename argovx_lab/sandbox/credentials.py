"""Files through which programs become somebody: kubeconfig, credential files, rotating tokens.

Owns their shapes and the renewal of the tokens. Every file is for its owner only; no token is logged.
Source: https://google.aip.dev/auth/4117 (external account credentials); kubeconfig(5).
"""

from __future__ import annotations

import asyncio
import base64
import json

from argovx_lab.sandbox.identity import Identity
from argovx_lab.sandbox.kubernetes.rbac_defaults import OWNER
from argovx_lab.sandbox.kubernetes.server import ApiServer
from argovx_lab.sandbox.state import NOTEBOOK_CONTEXT, OWNER_CONTEXT, StateDir, write_private

#: Life of the notebook's and the owner's projected-like tokens. Source: kubelet's default. Unit: seconds.
TOKEN_LIFETIME_S = 3600
#: How often they are written anew; clients read the file at each exchange. Unit: seconds.
RENEW_EVERY_S = 0.5 * TOKEN_LIFETIME_S


def accounts(identity: Identity) -> tuple[str, str]:
    """Return the ServiceAccounts of owner and notebook."""
    return f"owner-{identity.user}", f"nb-{identity.user}"


def write_tokens(state: StateDir, identity: Identity, api: ApiServer) -> None:
    """Write new tokens of owner and notebook."""
    owner, notebook = accounts(identity)
    for path, account, audience in (
        (state.owner_token, owner, [identity.audience]),
        (state.notebook_token, notebook, [identity.audience]),
        (state.notebook_api_token, notebook, []),
    ):
        write_private(path, api.issuer.issue(identity.namespace, account, audience, TOKEN_LIFETIME_S))


async def keep_tokens(state: StateDir, identity: Identity, api: ApiServer) -> None:
    """Renew the tokens until cancelled."""
    while True:
        await asyncio.sleep(RENEW_EVERY_S)
        write_tokens(state, identity, api)


def write_kubeconfig(state: StateDir, identity: Identity, api: ApiServer, endpoint: str) -> None:
    """Write the kubeconfig: the owner with a lasting token, the notebook with a file that is renewed."""
    owner = api.add_user_token(OWNER, [])
    authority = base64.b64encode(state.ca.read_bytes()).decode()
    contexts = {OWNER_CONTEXT: OWNER, NOTEBOOK_CONTEXT: f"nb-{identity.user}"}
    users = [
        {"name": OWNER, "user": {"token": owner}},
        {"name": f"nb-{identity.user}", "user": {"tokenFile": str(state.notebook_api_token)}},
    ]
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": OWNER_CONTEXT,
        "preferences": {},
        "clusters": [
            {
                "name": "argovx-sandbox",
                "cluster": {"server": endpoint, "certificate-authority-data": authority},
            }
        ],
        "users": users,
        "contexts": [
            {
                "name": name,
                "context": {"cluster": "argovx-sandbox", "user": user, "namespace": identity.namespace},
            }
            for name, user in contexts.items()
        ],
    }
    write_private(state.kubeconfig, json.dumps(document, indent=2))


def write_google(state: StateDir, identity: Identity, endpoint: str) -> None:
    """Write the external account files of owner and notebook."""
    for path, token in (
        (state.credentials, state.owner_token),
        (state.notebook_credentials, state.notebook_token),
    ):
        document = {
            "type": "external_account",
            "audience": identity.audience,
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": f"{endpoint}/v1/token",
            "credential_source": {"file": str(token), "format": {"type": "text"}},
        }
        write_private(path, json.dumps(document, indent=2))
