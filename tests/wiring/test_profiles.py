"""Profiles from documents: unknown, missing and mistyped settings are refused by name."""

import pytest

from argovx_lab.errors import SpecError
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
    ],
)
def test_what_is_wrong_is_said(write, text, message):
    write(text)
    with pytest.raises(SpecError, match=message.replace("[", r"\[")):
        load_profile("team")


def test_an_unknown_profile_names_those_there_are(write):
    write(GOOD)
    with pytest.raises(SpecError, match="there are: sandbox, team"):
        load_profile("prod")
