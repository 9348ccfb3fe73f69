"""A sandbox and its owner at both ends, who makes things wrong by the vendors' own calls."""

import contextlib
import json
from pathlib import Path
from urllib.parse import quote

import pytest

from argovx_lab.identity.session import Session
from argovx_lab.identity.settings import Federation
from argovx_lab.wiring import load_profile
from argovx_lab.wiring.local import sandbox_status, stop_sandbox

ROLES = "/apis/rbac.authorization.k8s.io/v1/namespaces/argovx/roles"


class Owner:
    """The sandbox's owner at both ends."""

    def __init__(self, profile, status):
        from argovx_lab.cluster.client import Cluster

        self.status = status
        self.profile = profile
        self.cluster = Cluster(Path(status.kubeconfig), status.owner_context, profile.namespace)
        self.google = Session(
            Federation(status.google_endpoint, status.audience, status.owner_token, ca_file=status.ca)
        )

    def send(self, method, path, body=None):
        answer = self.google.request(
            method,
            f"{self.status.google_endpoint}/{path}",
            headers={"Content-Type": "application/json"},
            data=None if body is None else json.dumps(body).encode(),
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    @contextlib.contextmanager
    def without(self, read, write, member, role):
        """Take a member out of a role of a policy; ``read`` and ``write`` are ``(method, path)``."""
        policy = self.send(*read, {} if read[0] == "POST" else None)
        before = json.loads(json.dumps(policy["bindings"]))
        for binding in policy["bindings"]:
            if binding["role"].endswith(role):
                binding["members"] = [name for name in binding["members"] if not name.endswith(member)]
        assert policy["bindings"] != before, f"{member} has no {role}"
        policy["bindings"] = [binding for binding in policy["bindings"] if binding["members"]]
        self._put(write, policy)
        try:
            yield
        finally:
            policy = self.send(*read, {} if read[0] == "POST" else None)
            self._put(write, {**policy, "bindings": before})

    def _put(self, write, policy):
        self.send(*write, policy if write[0] == "PUT" else {"policy": policy})

    def folder(self, member, role):
        place = f"storage/v1/b/{self.status.bucket}/managedFolders/{quote('users/ada/', safe='')}/iam"
        return self.without(("GET", place), ("PUT", place), member, role)

    def project(self, member, role):
        place = f"v3/projects/{self.status.project}"
        return self.without(
            ("POST", f"{place}:getIamPolicy"), ("POST", f"{place}:setIamPolicy"), member, role
        )

    def account(self, member, role):
        return self.account_of(self.status.run_as, member, role)

    def account_of(self, email, member, role):
        place = f"v1/projects/-/serviceAccounts/{email}"
        return self.without(
            ("POST", f"{place}:getIamPolicy"), ("POST", f"{place}:setIamPolicy"), member, role
        )

    @contextlib.contextmanager
    def also(self, member, role):
        """Give a member a role on the project, and take it back."""
        place = f"v3/projects/{self.status.project}"
        read, write = ("POST", f"{place}:getIamPolicy"), ("POST", f"{place}:setIamPolicy")
        before = self.send(*read, {})["bindings"]
        self.grant(read, write, member, role)
        try:
            yield
        finally:
            self._put(write, {**self.send(*read, {}), "bindings": before})

    def grant(self, read, write, member, role):
        """Add a member to a role of a policy, for good."""
        policy = self.send(*read, {} if read[0] == "POST" else None)
        policy["bindings"] = [*policy.get("bindings", []), {"role": role, "members": [member]}]
        self._put(write, policy)

    @contextlib.contextmanager
    def changed(self, path, change):
        """Merge-patch an object of the cluster, and give it back as it was."""
        before = self.cluster._call("GET", path, what=path)
        self.cluster._call("PATCH", path, body=change(json.loads(json.dumps(before))), what=path)
        try:
            yield
        finally:
            back = {key: before[key] for key in ("rules", "spec") if key in before}
            notes = before["metadata"].get("annotations")
            self.cluster._call("PATCH", path, body={**back, "metadata": {"annotations": notes}}, what=path)

    def role(self, name, verb, resource):
        """Take a verb out of a role."""

        def change(role):
            for rule in role["rules"]:
                if resource in rule["resources"]:
                    rule["verbs"] = [known for known in rule["verbs"] if known != verb]
            return {"rules": [rule for rule in role["rules"] if rule["verbs"]]}

        return self.changed(f"{ROLES}/{name}", change)


@pytest.fixture(scope="package")
def owner(tmp_path_factory):
    """A sandbox of this folder's own: what is wrong in it hurts nobody else."""
    folder = tmp_path_factory.mktemp("sick")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARGOVX_SANDBOX", str(folder))
        patch.setenv("ARGOVX_USER", "ada")
        patch.delenv("ARGOVX_PROFILE", raising=False)
        try:
            yield Owner(load_profile(), sandbox_status())
        finally:
            stop_sandbox(folder, everything=True)
