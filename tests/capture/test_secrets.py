"""What looks like a secret is found with its place; what stands in examples and templates is not."""

import random
import string

import pytest

from argovx_lab.capture.secrets import find


def word(length, alphabet=string.ascii_letters + string.digits):
    """Return random characters: nothing in this file has the form of a secret."""
    return "".join(random.Random(length).choice(alphabet) for _ in range(length))


SECRETS = {
    "a private key": "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE\n",
    "a JSON Web Token": ".".join(["ey" + "J" + word(20), "ey" + "J" + word(30), word(40)]),
    "a Google access token": "ya" + "29." + word(60),
    "a Google API key": "AI" + "za" + word(35),
    "an AWS access key": "AK" + "IA" + word(16, string.ascii_uppercase + string.digits),
    "an Azure account key": "Account" + "Key=" + word(86) + "==",
    "a GitHub token": "gh" + "p_" + word(36),
    "a GitLab token": "gl" + "pat-" + word(20),
    "a Slack token": "xo" + "xb-" + word(24),
    "a Hugging Face token": "h" + "f_" + word(34),
    "an OpenAI or Anthropic key": "s" + "k-" + word(48),
    "a Stripe key": "s" + "k_live_" + word(24),
    "a password in a URL": "postgresql://ada:" + word(12) + "@db.example:5432/x",
}


@pytest.mark.parametrize("kind", SECRETS)
def test_a_secret_is_found_where_it_stands(kind):
    value = SECRETS[kind].split("\n")[0]
    found = find(f"import os\nx = 1; key = '{value}'\n")
    assert [(f.kind, f.line, f.column) for f in found] == [(kind, 2, 15)]
    assert value not in repr(found)


@pytest.mark.parametrize(
    "text",
    [
        "url = f'postgresql://{user}:{password}@{host}/db'",
        "url = 'https://user:password@example.com'",
        "url = 'redis://:***@cache:6379'",
        "url = 'mysql://root:$PASSWORD@db'",
        "print('-----BEGIN CERTIFICATE-----')",
        "when = '12:30'; mail = 'ada@example.com'",
        "x = data['a:b']; y = m @ n",
        "digest = '" + "0f" * 32 + "'",
        "sk = model.skl; task-sk-learn",
        "s = 'https://example.com:8080/a@b'",
    ],
)
def test_what_is_no_secret_is_left_alone(text):
    assert find(text) == []


def test_many_lines_are_read_fast_and_hostile_ones_do_not_hang():
    assert find("x = 1\n" * 200_000) == []
    assert find("a://" + "a:" * 50_000) == []
    assert find("eyJ" * 50_000) == []
