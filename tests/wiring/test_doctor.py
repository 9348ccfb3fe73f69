"""The doctor on a sandbox in which one thing is wrong: it finds that, prints the remedy, and nothing else is bad.

What is wrong is done by the vendors' own calls, as the sandbox's owner.
"""

import base64
import dataclasses
import json
import time
from pathlib import Path

import pytest

from argovx_lab.errors import RemoteError
from argovx_lab.model.check import decode
from argovx_lab.sandbox.state import write_private
from argovx_lab.wiring import Services
from argovx_lab.wiring.doctor import examine, lines


def bad(profile):
    """Return what the doctor finds wrong, by name."""
    return {check.name: check for check in examine(Services(profile)) if check.good is not True}


def one(profile, name, *words):
    """Assert that exactly one hop is not well, and that its remedy says these words."""
    found = bad(profile)
    assert list(found) == [name], found
    said = f"{found[name].seen} {found[name].hint}"
    for word in words:
        assert word in said
    return found[name]


def test_a_sandbox_is_well(owner):
    assert bad(owner.profile) == {}


def test_a_token_file_that_is_not_there(owner, tmp_path):
    found = bad(dataclasses.replace(owner.profile, token_file=str(tmp_path / "none")))
    assert "does not exist" in found["notebook: token"].seen
    assert not any(name.startswith("step:") for name in found)


def test_a_token_that_has_ended(owner, tmp_path):
    def part(data):
        return base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")

    claims = {"aud": owner.profile.audience, "sub": "system:serviceaccount:argovx:nb-ada"}
    token = ".".join([part({"alg": "none"}), part({**claims, "exp": int(time.time()) - 90}), "c2ln"])
    (tmp_path / "token").write_text(token)
    found = bad(dataclasses.replace(owner.profile, token_file=str(tmp_path / "token")))
    assert "it ended 9" in found["notebook: token"].seen
    assert token not in str(found)


def test_a_token_for_somebody_else(owner, tmp_path):
    status = {"audiences": ["https://other.example"], "expirationSeconds": 600}
    path = "/api/v1/namespaces/argovx/serviceaccounts/nb-ada/token"
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": status}
    token = owner.cluster._call("POST", path, body=body, what="a token")["status"]["token"]
    (tmp_path / "token").write_text(token)
    found = bad(dataclasses.replace(owner.profile, token_file=str(tmp_path / "token")))
    assert f"project the token for {owner.profile.audience}" in found["notebook: token"].hint
    assert "STS answered 400" in found["notebook: bucket"].seen
    assert token not in str(found)


@pytest.mark.parametrize("verb", ["create", "watch"])
def test_a_right_on_workflows_that_the_notebook_lacks(owner, verb):
    with owner.role("nb-ada", verb, "workflows"):
        one(
            owner.profile,
            f"notebook: may {verb} workflows",
            "kubectl -n argovx create role",
            f"{verb}",
            "--serviceaccount=argovx:nb-ada",
        )


def test_a_template_that_is_not_installed(owner):
    path = "/apis/argoproj.io/v1alpha1/clusterworkflowtemplates/argovx-vertex-step"
    template = owner.cluster._call("GET", path, what="the template")
    owner.cluster._call("DELETE", path, what="the template")
    try:
        found = bad(owner.profile)
    finally:
        meta = {key: template["metadata"][key] for key in ("name", "annotations")}
        owner.cluster.apply({**template, "metadata": meta})
    assert found["platform template"].hint == "argovx platform template | kubectl apply -f -"
    assert "argovx-vertex-step" in found["step: check in a pod"].seen


def test_a_template_of_another_version(owner):
    path = "/apis/argoproj.io/v1alpha1/clusterworkflowtemplates/argovx-vertex-step"
    with owner.changed(path, lambda _: {"metadata": {"annotations": {"argovx.dev/digest": "0" * 64}}}):
        one(owner.profile, "platform template", "digest 000000000000", "this version would install")


def test_a_bucket_that_the_notebook_may_not_use(owner):
    with owner.folder("nb-ada", "storage.objectUser"):
        one(
            owner.profile,
            "notebook: bucket",
            "gcloud storage managed-folders add-iam-policy-binding",
            "users/ada/ --member=principal://",
            "nb-ada --role=roles/storage.objectUser",
        )


def test_a_bucket_that_steps_may_not_write(owner):
    with owner.folder("wf-ada", "storage.objectCreator"):
        found = one(owner.profile, "step: results in the bucket", "storage.objects.create missing", "wf-ada")
        assert found.hint.endswith("--role=roles/storage.objectCreator")


def test_a_bucket_that_steps_may_not_read(owner):
    with owner.folder("wf-ada", "storage.objectViewer"):
        found = one(owner.profile, "step: results in the bucket", "storage.objects.get", "wf-ada")
        assert found.hint.endswith("--role=roles/storage.objectViewer")


def test_jobs_that_steps_may_not_create(owner):
    with owner.project("wf-ada", "argovxSubmitter"):
        one(
            owner.profile,
            "step: custom jobs",
            "aiplatform.customJobs.create",
            "gcloud projects add-iam-policy-binding argovx-sandbox --member=principal://",
            "--role=projects/argovx-sandbox/roles/argovxSubmitter",
        )


def test_jobs_that_the_notebook_may_not_see(owner):
    with owner.project("nb-ada", "argovxPanelReader"):
        one(owner.profile, "notebook: Vertex jobs", "aiplatform.customJobs.list", "roles/argovxPanelReader")


def test_a_refusal_that_is_about_no_permission_asks_for_no_grant(owner):
    fault = {"service": "aiplatform", "rpc": "ListCustomJobs", "kind": "status", "status": 501, "count": 1}
    write_private(Path(owner.status.state_dir) / "faults.json", json.dumps([fault]))
    found = one(owner.profile, "notebook: Vertex jobs", "answered 501", "a fault on purpose")
    assert "gcloud" not in found.hint


def test_an_account_that_steps_may_not_use(owner):
    with owner.account("wf-ada", "iam.serviceAccountUser"):
        one(
            owner.profile,
            "step: jobs run as",
            "iam.serviceAccounts.actAs",
            f"gcloud iam service-accounts add-iam-policy-binding {owner.profile.run_as}",
            "--role=roles/iam.serviceAccountUser",
        )


def test_an_account_that_does_not_exist(owner):
    other = "u-bob@argovx-sandbox.iam.gserviceaccount.com"
    profile = dataclasses.replace(owner.profile, run_as=other)
    one(profile, "step: jobs run as", "does not exist", "gcloud iam service-accounts create u-bob")


def test_a_step_account_that_may_not_report(owner):
    with owner.role("wf-ada", "patch", "workflowtaskresults"):
        one(
            owner.profile,
            "step: task result",
            "may not patch workflowtaskresults",
            "create role argovx-wf-ada-workflowtaskresults --verb=create,patch",
            "--serviceaccount=argovx:wf-ada",
        )


def test_a_step_account_that_is_not_there(owner):
    profile = dataclasses.replace(owner.profile, user="bob")
    found = bad(profile)
    assert "kubectl -n argovx create serviceaccount wf-bob" in found["step: check in a pod"].hint


def test_a_sign_in_that_may_do_everything(owner, monkeypatch):
    from argovx_lab.cluster.client import Cluster

    usual = Cluster.can_i
    monkeypatch.setattr(
        Cluster, "can_i", lambda self, verb, *a, **k: verb == "*" or usual(self, verb, *a, **k)
    )
    found = one(owner.profile, "notebook: no more rights than needed", "cluster-admin", "ServiceAccount")
    assert found.warning
    assert lines(found)[0].startswith("! notebook: no more rights")


@pytest.mark.parametrize(("kind", "hop"), [("nb", "notebook"), ("wf", "step")])
@pytest.mark.parametrize("role", ["resourcemanager.projectIamAdmin", "storage.admin"])
def test_a_principal_that_may_do_much_more_at_google(owner, kind, hop, role):
    member = owner.profile.principal.google.replace(":nb-ada", f":{kind}-ada")
    with owner.also(member, f"roles/{role}"):
        found = one(
            owner.profile,
            f"{hop}: no more rights than needed",
            f"{kind}-ada may do much more",
            ".setIamPolicy",
            "gcloud projects get-iam-policy argovx-sandbox",
        )
        assert (found.good, found.warning) == (None, True)


@pytest.mark.parametrize("text", ["", "[1]", '{"a": 1}', '[{"name": "x"}]'])
def test_a_report_that_is_none_is_refused(text):
    with pytest.raises(RemoteError, match="cannot be read"):
        decode(text)
