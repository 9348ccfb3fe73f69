"""Profiles from documents: unknown, missing and mistyped settings are refused by name."""

import json

import pytest

from argovx_lab.compile.platform import cluster_template
from argovx_lab.errors import SpecError
from argovx_lab.launcher.settings import from_environment, log_level
from argovx_lab.wiring import signin
from argovx_lab.wiring.platform import platform_of
from argovx_lab.wiring.profiles import load_profile, profile_names

GOOD = """
[profiles.team]
kubeconfig = "/k"
context = "c"
namespace = "team-a"
project = "acme"
project_number = "1"
region = "europe-west4"
bucket = "acme-bucket"
user = "ada"
run_as = "u-ada@acme.iam.gserviceaccount.com"
audience = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/argovx/providers/a"
token_file = "/t"
"""


BARE = GOOD.replace('token_file = "/t"\n', "")


@pytest.fixture
def write(tmp_path, monkeypatch):
    path = tmp_path / "argovx.toml"
    monkeypatch.setenv("ARGOVX_CONFIG", str(path))
    return path.write_text


def test_a_whole_profile(write):
    write(GOOD)
    profile = load_profile("team")
    assert profile.endpoints.aiplatform == "https://europe-west4-aiplatform.googleapis.com"
    assert profile.principal.google.endswith("/subject/system:serviceaccount:team-a:nb-ada")
    assert profile_names() == ["sandbox", "team"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + 'colour = "red"', "unknown settings colour"),
        (GOOD.replace('bucket = "acme-bucket"\n', ""), "lacks bucket"),
        (GOOD + 'images = "python"', "images must be a list"),
        (GOOD + "images = []", "images must be a list"),
        (GOOD + "bucket_poll_s = 0", "bucket_poll_s must be a number"),
        (GOOD.replace('region = "europe-west4"', "region = 4"), "region must be a text"),
        (GOOD + "\n[profiles.sandbox]\n", "which is built in"),
        ("[profiles", "is not TOML"),
        (GOOD + 'sign_in = "executable"', "sign_in 'executable' is not known"),
        (GOOD + 'sign_in = "metadata"', "token_file has no meaning"),
        (GOOD + 'sign_in = "oidc-variable"', "token_file has no meaning"),
        (BARE + 'sign_in = "oidc-variable"', "lacks token_variable"),
        (BARE, "lacks token_file"),
        (GOOD + 'token_variable = "X"', "token_variable has no meaning"),
        (GOOD + 'inputs = ["gs://b/x/"]', "inputs has no meaning without downscope"),
        (GOOD + "impersonate_lifetime_s = 900", "has no meaning without impersonate"),
        (GOOD + 'impersonate_lifetime_s = "900"', "must be a number of seconds"),
        (GOOD + 'downscope = "yes"', "downscope must be true or false"),
        (GOOD + "token_hosts = []", "token_hosts must be a list of host names"),
        (GOOD + 'credential_source = "x"', "unknown settings credential_source"),
        (GOOD + 'token_url = "https://evil.example"', "unknown settings token_url"),
    ],
)
def test_what_is_wrong_is_said(write, text, message):
    write(text)
    with pytest.raises(SpecError, match=message.replace("[", r"\[")):
        load_profile("team")


@pytest.mark.parametrize(
    ("text", "google", "through"),
    [
        (BARE + 'sign_in = "metadata"', "", "metadata server"),
        (BARE + 'sign_in = "gcloud"', "", "gcloud's application default credentials"),
        (
            BARE + 'sign_in = "oidc-variable"\ntoken_variable = "HUB_ID_TOKEN"',
            (
                "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/argovx/subject/"
                "system:serviceaccount:team-a:nb-ada"
            ),
            "OIDC token in the environment",
        ),
        (
            GOOD + 'impersonate = "submit-{user}@acme.iam.gserviceaccount.com"',
            "serviceAccount:submit-ada@acme.iam.gserviceaccount.com",
            "projected ServiceAccount token",
        ),
    ],
)
def test_a_profile_says_how_it_signs_in(write, text, google, through):
    write(text)
    principal = load_profile("team").principal
    assert (principal.google, principal.through) == (google, through)


def test_a_profile_becomes_a_federation(write, tmp_path, monkeypatch):
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    write(BARE + 'sign_in = "gcloud"')
    assert signin.federation(load_profile("team")).token_file == str(
        tmp_path / "application_default_credentials.json"
    )
    write(
        GOOD + 'impersonate = "s-{user}@acme.iam.gserviceaccount.com"\nimpersonate_lifetime_s = 900\n'
        'downscope = true\ninputs = ["gs://shared/images/"]\nproxy = "http://proxy.example:3128"\n'
    )
    profile = load_profile("team")
    made = signin.federation(profile)
    assert (made.narrowing.impersonate, made.narrowing.lifetime_s) == (
        "s-ada@acme.iam.gserviceaccount.com",
        900,
    )
    places = [(grant.uri, grant.writes) for grant in made.narrowing.boundary]
    assert places == [("gs://acme-bucket/users/ada/", True), ("gs://shared/images/", False)]
    assert profile.principal.may_read == ("gs://acme-bucket/users/ada/", "gs://shared/images/")
    assert made.proxy == "http://proxy.example:3128"


def test_a_template_carries_what_launchers_need_of_it(write):
    write(
        GOOD + 'impersonate = "s-{user}@acme.iam.gserviceaccount.com"\ndownscope = true\n'
        'token_hosts = ["sts.acme.example"]\nproxy = "http://proxy.example:3128"\n'
    )
    template = cluster_template(platform_of(load_profile("team")))["spec"]["templates"][0]
    env = {item["name"]: item.get("value", "wf-ada") for item in template["container"]["env"]}
    env |= {"ARGOVX_NAMESPACE": "team-a", "KUBERNETES_SERVICE_HOST": "10.0.0.1"}
    settings = from_environment(env)
    federation = settings.federation
    assert federation.narrowing.impersonate == "s-ada@acme.iam.gserviceaccount.com"
    assert [grant.uri for grant in federation.narrowing.boundary] == ["gs://acme-bucket/users/ada/"]
    assert (federation.hosts, federation.proxy) == (("sts.acme.example",), "http://proxy.example:3128")
    json.dumps(settings.explain())


@pytest.mark.parametrize(
    ("name", "value"),
    [("ARGOVX_DOWNSCOPE", "yes"), ("ARGOVX_IMPERSONATE_LIFETIME_S", "long"), ("ARGOVX_LOG_LEVEL", "loud")],
)
def test_a_launcher_refuses_what_it_does_not_know(write, name, value):
    write(GOOD)
    template = cluster_template(platform_of(load_profile("team")))["spec"]["templates"][0]
    env = {item["name"]: item.get("value", "wf-ada") for item in template["container"]["env"]}
    env |= {"ARGOVX_NAMESPACE": "team-a", "KUBERNETES_SERVICE_HOST": "10.0.0.1", name: value}
    with pytest.raises(SpecError, match=name):
        _ = from_environment(env), log_level(env)


def test_an_unknown_profile_names_those_there_are(write):
    write(GOOD)
    with pytest.raises(SpecError, match="there are: sandbox, team"):
        load_profile("prod")
