"""What a new cluster holds: namespaces, accounts and rights of one person, and the cluster's CA."""

from __future__ import annotations

from argovx_lab.sandbox.identity import Identity
from argovx_lab.sandbox.kubernetes import rbac_defaults as rbac
from argovx_lab.sandbox.kubernetes.interface import Object
from argovx_lab.sandbox.kubernetes.kinds import ARGO_GROUP
from argovx_lab.sandbox.kubernetes.server import ApiServer

#: The account that Argo's own examples and our recordings run as, in namespace ``default``.
EXAMPLE_ACCOUNT = "wf"


def seed(api: ApiServer, identity: Identity, ca_pem: str) -> None:
    """Create what is not there yet; running it again changes nothing."""
    api.root_ca = ca_pem
    api.seed([rbac.namespace("default"), rbac.namespace(identity.namespace), *rbac.cluster_objects()])
    api.seed(rbac.user_objects(identity.user, identity.namespace))
    api.seed([rbac.account(f"owner-{identity.user}", identity.namespace)])
    api.seed(_example_account())
    for namespace in ("default", identity.namespace, *rbac.SYSTEM_NAMESPACES):
        api.seed([rbac.root_ca_object(namespace, ca_pem)])


def _example_account() -> list[Object]:
    name, place = EXAMPLE_ACCOUNT, "default"
    rules = [
        rbac.rule(ARGO_GROUP, ["workflowtaskresults"], ["create", "patch"]),
        rbac.rule(ARGO_GROUP, ["workflows"], ["get"]),
    ]
    subject: Object = {"kind": "ServiceAccount", "name": name, "namespace": place}
    return [
        rbac.account(name, place),
        rbac.role(name, place, rules),
        rbac.binding(name, place, "Role", name, subject),
    ]
