"""What the STS takes and what it refuses, one row per case."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import quote

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

TYPE = "urn:ietf:params:oauth:token-type:"


def run(coroutine):
    return asyncio.run(coroutine)


def test_a_good_token_becomes_its_subject(google, issuer, kit):
    status, answer = run(google.exchange())
    assert (status, answer["token_type"], answer["issued_token_type"]) == (
        200,
        "Bearer",
        TYPE + "access_token",
    )
    assert answer["expires_in"] == 3600
    caller = google.auth.authenticate(answer["access_token"])
    assert caller.principal == kit.principal("wf-ada")
    assert caller.subject == "system:serviceaccount:argovx:wf-ada"
    assert (caller.email, caller.boundary) == ("", None)


def test_json_in_camel_case_is_taken_too(google, issuer, kit):
    fields = {
        "grantType": "urn:ietf:params:oauth:grant-type:token-exchange",
        "audience": google.provider.name,
        "scope": "https://www.googleapis.com/auth/cloud-platform",
        "requestedTokenType": TYPE + "access_token",
        "subjectTokenType": TYPE + "jwt",
        "subjectToken": issuer.token(),
    }
    request = kit.request_of(
        "POST", "/v1/token", json.dumps(fields).encode(), {"content-type": "application/json"}
    )
    assert run(google.sts.handle(request)).status == 200


def test_rs256_keys_work(google, issuer):
    issuer.keys["r1"] = rsa.generate_private_key(65537, 2048)
    assert run(google.exchange(subject_token=issuer.token("r1", "RS256")))[0] == 200


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type", "grant_type"),
        ({"grant_type": None}, "unsupported_grant_type", "grant_type"),
        ({"requested_token_type": TYPE + "refresh_token"}, "invalid_request", "requested_token_type"),
        ({"subject_token_type": TYPE + "saml2"}, "invalid_request", "subject_token_type"),
        ({"subject_token": None}, "invalid_request", "subject_token"),
        ({"subject_token": ""}, "invalid_request", "subject_token"),
        ({"audience": None}, "invalid_request", "audience"),
        ({"audience": "argovx"}, "invalid_request", "audience"),
        (
            {"audience": "//iam.googleapis.com/locations/global/workforcePools/p/providers/q"},
            "invalid_target",
            "x",
        ),
        ({"scope": None}, "invalid_scope", "scope"),
        ({"scope": "https://example.com/auth"}, "invalid_scope", "example.com"),
        ({"options": "nonsense"}, "invalid_request", "options"),
        ({"options": '["a"]'}, "invalid_request", "options"),
        ({"options": '{"userProject": "1"}'}, "invalid_request", "userProject"),
        ({"options": '{"bindCertFingerprint": "1"}'}, "invalid_request", "bindCertFingerprint"),
        ({"actor_token": "x"}, "invalid_request", "actor_token"),
        ({"subject_token": "a.b"}, "invalid_grant", "parse"),
        ({"subject_token": "x" * 17_000}, "invalid_request", "16384"),
    ],
)
def test_bad_requests(google, change, error, text):
    status, answer = run(google.exchange(**change))
    assert (status, answer["error"]) == (400, error)
    assert text in answer["error_description"]
    assert set(answer) == {"error", "error_description"}


@pytest.mark.parametrize(
    ("claims", "error", "text"),
    [
        ({"iss": "https://other.invalid"}, "invalid_grant", "issuer"),
        ({"iss": None}, "invalid_grant", "'iss'"),
        ({"aud": "https://other.invalid"}, "invalid_grant", "audience"),
        ({"aud": None}, "invalid_grant", "'aud'"),
        ({"sub": None}, "invalid_grant", "'sub'"),
        ({"exp": None}, "invalid_grant", "'exp'"),
        ({"iat": None}, "invalid_grant", "'iat'"),
        ({"iat": -7200, "exp": -1}, "invalid_grant", "stale"),
        ({"iat": 120, "exp": 3600}, "invalid_grant", "future"),
        ({"nbf": 120}, "invalid_grant", "future"),
        ({"exp": 24 * 3600 + 1}, "invalid_grant", "24 hours"),
        ({"exp": "soon"}, "invalid_grant", "numbers"),
        ({"sub": "system:serviceaccount:argovx:other"}, "invalid_grant", "match"),
        ({"sub": "alice"}, "invalid_grant", "match"),
        ({"account": "a" * 120}, "invalid_grant", "127"),
        ({"kubernetes.io": None}, "invalid_grant", "match"),
        ({"kubernetes.io": "x"}, "invalid_grant", "match"),
        ({"namespace": "kube-system"}, "unauthorized_client", "attribute condition"),
    ],
)
def test_bad_claims(google, issuer, clock, claims, error, text):
    now = int(clock.now().timestamp())
    timed = {
        k: now + v if k in ("iat", "exp", "nbf") and isinstance(v, int) else v for k, v in claims.items()
    }
    status, answer = run(google.exchange(subject_token=issuer.token(**timed)))
    assert (status, answer["error"]) == (400, error)
    assert text in answer["error_description"]


def forged(issuer, kit, kind):
    header, payload = {"alg": "ES256", "kid": "k1", "typ": "JWT"}, issuer.claims()
    public = (
        issuer.keys["k1"]
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    if kind == "none":
        return f"{kit.b64({**header, 'alg': 'none'})}.{kit.b64(payload)}."
    if kind == "confusion":
        # the public key as an HMAC secret
        import hashlib
        import hmac

        text = f"{kit.b64({**header, 'alg': 'HS256'})}.{kit.b64(payload)}"
        return f"{text}.{kit.b64(hmac.new(public, text.encode(), hashlib.sha256).digest())}"
    if kind == "other key":
        return jwt.encode(payload, ec.generate_private_key(ec.SECP256R1()), "ES256", {"kid": "k1"})
    if kind == "unknown kid":
        return jwt.encode(payload, issuer.keys["k1"], "ES256", {"kid": "nobody"})
    if kind == "no kid":
        return jwt.encode(payload, issuer.keys["k1"], "ES256")
    if kind == "key in the token":
        mine = ec.generate_private_key(ec.SECP256R1())
        jwk = jwt.algorithms.ECAlgorithm.to_jwk(mine.public_key(), as_dict=True)
        return jwt.encode(payload, mine, "ES256", {"kid": "k1", "jwk": jwk, "jku": "https://evil.invalid"})
    if kind == "wrong type":
        return jwt.encode(payload, rsa.generate_private_key(65537, 2048), "RS256", {"kid": "k1"})
    good = issuer.token()
    return good[:-4] + ("AAAA" if not good.endswith("AAAA") else "BBBB")


@pytest.mark.parametrize(
    "kind",
    ["none", "confusion", "other key", "unknown kid", "no kid", "key in the token", "wrong type", "one bit"],
)
def test_forged_tokens(google, issuer, kit, kind):
    status, answer = run(google.exchange(subject_token=forged(issuer, kit, kind)))
    assert (status, answer["error"]) == (400, "invalid_grant")


def test_a_key_id_that_is_there_twice_is_refused(google, issuer):
    issuer.extra = issuer.jwks()["keys"]
    status, answer = run(google.exchange())
    assert status == 400
    assert "more than one key" in answer["error_description"]


def test_keys_rotate(google, issuer, monkeypatch):
    at = [1000.0]
    monkeypatch.setattr("argovx_lab.sandbox.google.subject_token.time.monotonic", lambda: at[0])
    old = issuer.token()
    assert run(google.exchange(subject_token=old))[0] == 200
    issuer.keys["k2"] = ec.generate_private_key(ec.SECP256R1())
    at[0] += 2
    assert run(google.exchange(subject_token=issuer.token("k2")))[0] == 200
    assert run(google.exchange(subject_token=old))[0] == 200
    del issuer.keys["k1"]
    at[0] += 61
    assert run(google.exchange(subject_token=old))[0] == 400
    # garbage does not hammer the issuer
    before = issuer.fetched
    for _ in range(50):
        run(google.exchange(subject_token=old))
    assert issuer.fetched == before


def test_pod_bound_provider_refuses_tokens_without_a_pod(tmp_path, clock, issuer, kit):
    bound = kit.Google(tmp_path, clock, issuer, kit.provider(pod_bound=True))
    assert run(bound.exchange())[0] == 200
    claims = issuer.claims()["kubernetes.io"]
    for pod in (None, {}, {"name": ""}, "x"):
        token = issuer.token(**{"kubernetes.io": {**claims, "pod": pod}})
        assert run(bound.exchange(subject_token=token))[1]["error"] == "unauthorized_client"
    bound.store.close()


def test_lifetime_is_a_setting(google, clock):
    google.sts.lifetime_s = 5
    _, answer = run(google.exchange())
    assert answer["expires_in"] == 5
    clock.move(4.9)
    google.auth.authenticate(answer["access_token"])
    clock.move(0.2)
    with pytest.raises(Exception, match="invalid authentication credentials"):
        google.auth.authenticate(answer["access_token"])


BOUNDARY = {
    "accessBoundary": {
        "accessBoundaryRules": [
            {
                "availableResource": "//storage.googleapis.com/projects/_/buckets/argovx-sandbox-ada",
                "availablePermissions": ["inRole:roles/storage.objectViewer"],
            }
        ]
    }
}


def downscope(google, source, **change):
    fields = {
        "audience": None,
        "scope": None,
        "subject_token": source,
        "subject_token_type": TYPE + "access_token",
        "options": json.dumps(BOUNDARY),
        **change,
    }
    return run(google.exchange(**fields))


@pytest.mark.parametrize("options", [json.dumps(BOUNDARY), quote(json.dumps(BOUNDARY))])
def test_options_are_decoded_once_or_twice(google, options, clock):
    source = google.bearer("owner-ada", lifetime_s=1000)
    clock.move(100)
    status, answer = downscope(google, source, options=options)
    assert (status, answer["expires_in"]) == (200, 900)
    caller = google.auth.authenticate(answer["access_token"])
    assert caller.boundary is not None
    clock.move(901)
    with pytest.raises(Exception, match="invalid"):
        google.auth.authenticate(answer["access_token"])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"options": None}, "accessBoundary"),
        ({"options": "{}"}, "accessBoundary"),
        ({"options": '{"accessBoundary": {}}'}, "accessBoundaryRules"),
        ({"audience": "//iam.googleapis.com/x"}, "audience"),
        ({"subject_token": "avx1.unknown"}, "invalid or expired"),
    ],
)
def test_bad_downscoping(google, change, text):
    status, answer = downscope(google, google.bearer("owner-ada"), **change)
    assert status == 400
    assert text in answer["error_description"]


def test_downscoped_tokens_open_storage_only(google):
    _, answer = downscope(google, google.bearer("owner-ada"))
    caller = google.auth.authenticate(answer["access_token"])
    bucket = "//storage.googleapis.com/projects/_/buckets/argovx-sandbox-ada"
    assert google.iam.allows(caller, "storage.objects.get", f"{bucket}/objects/a")
    assert not google.iam.allows(caller, "storage.objects.create", f"{bucket}/objects/a")
    assert not google.iam.allows(caller, "storage.objects.get", f"{bucket}-2/objects/a")
    jobs = "//aiplatform.googleapis.com/projects/argovx-sandbox/locations/us-central1"
    assert google.iam.allows(google.caller("owner-ada"), "aiplatform.customJobs.list", jobs)
    assert not google.iam.allows(caller, "aiplatform.customJobs.list", jobs)


def test_introspection(google, kit, clock):
    token = google.bearer("owner-ada", lifetime_s=60)

    def ask(body):
        headers = {"content-type": "application/x-www-form-urlencoded"}
        answer = run(google.sts.handle(kit.request_of("POST", "/v1/introspect", body.encode(), headers)))
        return answer.status, kit.body_of(answer)

    status, answer = ask(f"token={token}")
    assert (status, answer["active"], answer["username"]) == (200, True, kit.principal("owner-ada"))
    assert answer["exp"] == int(clock.now().timestamp()) + 60
    clock.move(61)
    assert ask(f"token={token}") == (200, {"active": False})
    assert ask("token=other") == (200, {"active": False})
    assert ask("")[0] == 400


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status"),
    [
        ("GET", "/v1/token", {}, b"", 405),
        ("POST", "/v1/other", {}, b"", 404),
        ("POST", "/v1/token", {"content-type": "text/plain"}, b"x", 400),
        ("POST", "/v1/token", {"content-type": "application/json"}, b"[1]", 400),
        ("POST", "/v1/token", {"content-type": "application/json"}, b"{", 400),
        ("POST", "/v1/token", {"content-type": "application/json"}, b'{"scope": 1}', 400),
        ("POST", "/v1/token", {"content-type": "application/x-www-form-urlencoded"}, b"\xff=\xff", 400),
        ("POST", "/v1/token", {"content-type": "application/x-www-form-urlencoded"}, b"scope=a&scope=b", 400),
        ("POST", "/v1/token", {"authorization": "Basic eDp5"}, b"", 400),
        ("POST", "/v1/token", {"content-type": "application/json"}, b"x" * 200_000, 400),
    ],
)
def test_garbage(google, kit, method, path, headers, body, status):
    answer = run(google.sts.handle(kit.request_of(method, path, body, headers)))
    assert answer.status == status
    assert set(kit.body_of(answer)) == {"error", "error_description"}


def test_no_token_is_written_anywhere_in_clear(google, issuer, tmp_path, caplog):
    caplog.set_level("DEBUG")
    subject = issuer.token()
    _, answer = run(google.exchange(subject_token=subject))
    run(google.exchange(subject_token=subject + "x"))
    google.store.close()
    for token in (subject, answer["access_token"]):
        secret = token.rpartition(".")[2].encode()
        assert secret.decode() not in caplog.text
        for path in tmp_path.rglob("*"):
            if path.is_file():
                assert secret not in path.read_bytes()
