"""Bodies as client-go and kubectl send them, ``application/vnd.kubernetes.protobuf``, on both servers.

The messages are put together from field numbers of the published API, apart from the tables that read them.
"""

from __future__ import annotations

import base64
import json

import pytest

NAMESPACE = "argovx"
PROTOBUF = "application/vnd.kubernetes.protobuf"
CORE = f"/api/v1/namespaces/{NAMESPACE}"
RBAC = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}"


def number(value: int) -> bytes:
    value &= (1 << 64) - 1
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def message(*pairs: tuple[int, object]) -> bytes:
    """Return fields in their order; text and bytes with their length, whole numbers as they are."""
    parts = []
    for place, value in pairs:
        if isinstance(value, int):
            parts.append(number(place << 3) + number(int(value)))
        else:
            raw = value.encode() if isinstance(value, str) else value
            parts.append(number(place << 3 | 2) + number(len(raw)) + raw)
    return b"".join(parts)


def body(version: str, kind: str, content: bytes) -> bytes:
    head = message((1, message((1, version), (2, kind))), (2, content), (3, ""), (4, ""))
    return b"k8s\x00" + head


def meta(name: str, *more: tuple[int, object]) -> tuple[int, bytes]:
    """Return metadata as client-go writes it: empty texts and an empty time included."""
    empty = [(place, "") for place in (2, 3, 4, 5, 6)]
    return 1, message((1, name), *empty, (7, 0), (8, b""), *more)


def entry(key: str, value: object) -> bytes:
    return message((1, key), (2, value))


def send(cluster, path: str, data: bytes, method: str = "POST", accept: str = f"{PROTOBUF}, */*"):
    headers = {"content-type": PROTOBUF, "accept": accept if cluster.server else "application/json"}
    return cluster.http(method, path, data=data, headers=headers)


@pytest.fixture
def kept(cluster):
    paths: list[str] = []
    yield paths
    for path in paths:
        cluster.http("DELETE", path)


def made(cluster, kept, plural: str, data: bytes, root: str = CORE) -> dict:
    answer = send(cluster, f"{root}/{plural}", data)
    assert answer.status_code == 201, answer.text
    assert answer.headers["content-type"].startswith("application/json")
    found = answer.json()
    kept.append(f"{root}/{plural}/{found['metadata']['name']}")
    return found


def test_config_maps_and_secrets_keep_text_bytes_and_what_is_false(cluster, kept):
    labels = (11, entry("app", "x"))
    content = message(meta("pb-map", labels), (2, entry("a", "ü")), (3, entry("b", b"\xff\x00")), (4, 0))
    found = made(cluster, kept, "configmaps", body("v1", "ConfigMap", content))
    assert found["data"] == {"a": "ü"}
    assert found["binaryData"] == {"b": base64.b64encode(b"\xff\x00").decode()}
    assert found["immutable"] is False
    assert found["metadata"]["labels"] == {"app": "x"}
    assert "generateName" not in found["metadata"]
    content = message(meta("pb-secret"), (2, entry("k", b"v")), (3, "Opaque"), (4, entry("s", "t")))
    found = made(cluster, kept, "secrets", body("v1", "Secret", content))
    assert (found["type"], found["data"]) == ("Opaque", {"k": "dg==", "s": "dA=="})


def test_roles_bindings_and_quotas(cluster, kept):
    rule = message((1, "get"), (1, "list"), (2, ""), (3, "pods"))
    role = body("rbac.authorization.k8s.io/v1", "Role", message(meta("pb-role"), (2, rule)))
    found = made(cluster, kept, "roles", role, RBAC)
    assert found["rules"] == [{"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]}]
    subject = message((1, "ServiceAccount"), (2, ""), (3, "default"), (4, NAMESPACE))
    reference = message((1, "rbac.authorization.k8s.io"), (2, "Role"), (3, "pb-role"))
    content = message(meta("pb-binding"), (2, subject), (3, reference))
    found = made(
        cluster, kept, "rolebindings", body("rbac.authorization.k8s.io/v1", "RoleBinding", content), RBAC
    )
    assert found["subjects"] == [{"kind": "ServiceAccount", "name": "default", "namespace": NAMESPACE}]
    hard = entry("pods", message((1, "500")))
    content = message(meta("pb-quota"), (2, message((1, hard))), (3, b""))
    found = made(cluster, kept, "resourcequotas", body("v1", "ResourceQuota", content))
    assert found["spec"] == {"hard": {"pods": "500"}}


def pod(name: str) -> bytes:
    memory = entry("memory", message((1, "64Mi")))
    source = message((3, message((1, message((1, "pb"))), (2, "k"), (3, 1))))
    variables = [(7, message((1, "A"), (2, "1"))), (7, message((1, "B"), (2, ""), (3, source)))]
    port = message((1, ""), (2, 0), (3, 80), (4, ""), (5, ""))
    probe = message((1, message((3, message((1, message((1, 1), (2, 0), (3, "web"))), (2, ""))))), (2, 0))
    mount = (9, message((1, "v"), (2, 0), (3, "/v"), (4, ""), (6, "")))
    resources = (8, message((1, memory)))
    main = message(
        *((1, "main"), (2, "busybox:1"), (3, "sh"), (3, "-c"), (3, "exit 0"), (5, ""), (6, port)),
        *(*variables, resources, mount, (10, probe), (13, ""), (14, ""), (16, 0), (17, 0), (18, 0), (20, "")),
    )
    projected = message((26, message((1, message((4, message((1, "aud"), (2, 3600), (3, "t"))))))))
    spec = message(
        *((1, message((1, "v"), (2, projected))), (2, main), (3, "Never"), (4, 0), (6, ""), (8, "default")),
        *((10, ""), (11, 0), (16, ""), (17, ""), (21, 0)),
    )
    return message(meta(name), (2, spec), (3, message((1, ""), (3, ""))))


def test_pods_are_read_to_their_depth(cluster, kept):
    found = made(cluster, kept, "pods?dryRun=All", body("v1", "Pod", pod("pb-pod")))
    kept.clear()
    spec, main = found["spec"], found["spec"]["containers"][0]
    assert (spec["terminationGracePeriodSeconds"], spec["automountServiceAccountToken"]) == (0, False)
    assert "nodeName" not in spec
    assert main["command"] == ["sh", "-c", "exit 0"]
    assert main["ports"] == [{"containerPort": 80, "protocol": "TCP"}]
    assert main["env"][1]["valueFrom"] == {"configMapKeyRef": {"name": "pb", "key": "k", "optional": True}}
    assert main["resources"]["limits"] == {"memory": "64Mi"}
    assert main["livenessProbe"]["tcpSocket"] == {"port": "web"}
    assert main["volumeMounts"] == [{"name": "v", "mountPath": "/v"}]
    token = {"audience": "aud", "expirationSeconds": 3600, "path": "t"}
    assert spec["volumes"][0]["projected"]["sources"] == [{"serviceAccountToken": token}]


def test_events_keep_their_times(cluster, kept):
    moment, micro = message((1, 1_700_000_000), (2, 0)), message((1, 1_700_000_000), (2, 123_456_000))
    about = message((1, "Pod"), (2, NAMESPACE), (3, "p"))
    content = message(
        *(meta("pb-event"), (2, about), (3, "Made"), (4, "by hand"), (5, message((1, "x"), (2, "")))),
        *((6, moment), (7, b""), (8, 0), (9, "Normal"), (10, micro), (12, "Make"), (14, "c"), (15, "c-1")),
    )
    found = made(cluster, kept, "events", body("v1", "Event", content))
    assert found["firstTimestamp"] == "2023-11-14T22:13:20Z"
    assert found["eventTime"] == "2023-11-14T22:13:20.123456Z"
    assert found.get("lastTimestamp") is None


def test_questions_about_oneself_and_tokens(cluster):
    asked = message((1, NAMESPACE), (2, "create"), (3, "argoproj.io"), (4, ""), (5, "workflows"), (7, ""))
    content = message(meta(""), (2, message((1, asked))), (3, message((1, 0), (2, ""))))
    version = "authorization.k8s.io/v1"
    path = f"/apis/{version}/selfsubjectaccessreviews"
    answer = send(cluster, path, body(version, "SelfSubjectAccessReview", content))
    assert answer.status_code == 201
    assert answer.json()["status"]["allowed"] is True
    version = "authentication.k8s.io/v1"
    content = message(meta(""), (2, message((1, "mine"), (4, 900))), (3, message((1, ""), (2, b""))))
    path = f"{CORE}/serviceaccounts/default/token"
    answer = send(cluster, path, body(version, "TokenRequest", content)).json()
    assert answer["spec"]["audiences"] == ["mine"]
    claims = answer["status"]["token"].split(".")[1]
    assert json.loads(base64.urlsafe_b64decode(claims + "=="))["aud"] == ["mine"]


def test_delete_options(cluster, kept):
    made(cluster, kept, "configmaps", body("v1", "ConfigMap", message(meta("pb-gone"))))
    for uid, code in (("other", 409), ("", 200)):
        wanted = [(2, message((1, uid)))] if uid else []
        options = body("v1", "DeleteOptions", message((1, 0), *wanted, (4, "Background")))
        answer = send(cluster, f"{CORE}/configmaps/pb-gone", options, "DELETE")
        assert answer.status_code == code, answer.text


def test_replacing(cluster, kept):
    made(cluster, kept, "configmaps", body("v1", "ConfigMap", message(meta("pb-put"))))
    content = message(meta("pb-put"), (2, entry("a", "")))
    answer = send(cluster, f"{CORE}/configmaps/pb-put", body("v1", "ConfigMap", content), "PUT")
    assert answer.json()["data"] == {"a": ""}


@pytest.mark.parametrize(
    "data",
    [
        b"{}",
        b"k8s\x00\xff",
        b"k8s\x00" + message((1, message((1, "v1"), (2, "ConfigMap"))), (2, b"\x0a\x7f")),
        body("v1", "ConfigMap", b"\x0b"),
        body("v1", "ConfigMap", b"\xff" * 12),
        body("v1", "ConfigMap", message((1, 5))),
    ],
)
def test_what_is_no_message_is_a_bad_request(cluster, data):
    answer = send(cluster, f"{CORE}/configmaps", data)
    assert (answer.status_code, answer.json()["reason"]) == (400, "BadRequest")


@pytest.mark.ours
@pytest.mark.parametrize(
    ("path", "data", "word"),
    [
        (f"{CORE}/configmaps", body("apps/v1", "Deployment", b""), "Deployment"),
        (f"{CORE}/configmaps", body("v1", "ConfigMap", message((99, "new"))), "field 99 of ConfigMap"),
        (f"{CORE}/pods", body("v1", "Pod", message((2, message((34, "\n\x00"))))), "field 34 of PodSpec"),
    ],
)
def test_what_is_not_read_is_refused_by_name(cluster, path, data, word):
    answer = send(cluster, path, data)
    assert (answer.status_code, answer.json()["reason"]) == (415, "UnsupportedMediaType")
    assert word in answer.json()["message"]
    assert "application/json" in answer.json()["message"]


@pytest.mark.ours  # the real one drops the connection
def test_custom_kinds_take_no_protobuf(cluster):
    path = f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/workflows"
    answer = send(cluster, path, body("argoproj.io/v1alpha1", "Workflow", b""))
    assert answer.status_code == 415
    assert "application/json" in answer.json()["message"]


@pytest.mark.ours
def test_who_takes_protobuf_alone_is_told_what_there_is(cluster):
    data = body("v1", "ConfigMap", message(meta("pb-none")))
    answer = send(cluster, f"{CORE}/configmaps", data, accept=PROTOBUF)
    assert answer.status_code == 406
    assert "application/json" in answer.json()["message"]
