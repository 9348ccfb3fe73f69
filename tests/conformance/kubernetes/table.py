"""The table: kind × verb × outcome, as requests that any Kubernetes API server answers.

A row is a list of requests; ``$uid``, ``$rv`` and ``$continue`` are what the answer before said. Answers are
reduced to what two servers can have in common: stamps, uids and versions become words.
"""

from __future__ import annotations

import json
import os
import re
import time
from dataclasses import dataclass, field
from typing import Any

import kubernetes_argo_rows
import kubernetes_definitions
import kubernetes_policies
from kubernetes_table_rows import (
    JSON_PATCH,
    LABEL,
    MERGE,
    NAMESPACE,
    SAMPLES,
    STRATEGIC,
    WATCHED,
    Sample,
    Step,
)


@dataclass
class Rows:
    """Collects rows by name."""

    found: dict[str, list[Step]] = field(default_factory=dict)

    def add(self, name: str, *steps: Step) -> None:
        assert name not in self.found
        self.found[name] = list(steps)


def _creation(rows: Rows, s: Sample) -> None:
    p, low = s.path(), s.kind.lower()
    name = lambda tail: f"{low}-{tail}"  # noqa: E731

    def post(tail: str, body: Any, query: str = "") -> None:
        rows.add(f"{low}/create/{tail}", Step("POST", s.path(query=query), body))

    rows.add(
        f"{low}/create/life",
        Step("POST", p, s.body(name("life"))),
        Step("GET", s.path(name("life"))),
        Step("POST", p, s.body(name("life"))),
    )
    post("dry", s.body(name("dry")), "dryRun=All")
    rows.add(f"{low}/get/after-dry", Step("GET", s.path(name("dry"))))
    post("dry-wrong", s.body(name("dryw")), "dryRun=Some")
    post("no-name", s.body(""))
    post("bad-name", s.body("Not_DNS/"))
    post("long-name", s.body("x" * 254))
    post("bad-label", s.body(name("label"), labels={"k": "white space"}))
    post("bad-label-key", s.body(name("label"), labels={"/": "v"}))
    post("bad-finalizer", s.body(name("final"), finalizers=["white space"]))
    post("bad-owner", s.body(name("owner"), ownerReferences=[{"kind": "Pod"}]))
    post("large-annotation", s.body(name("note"), annotations={"k": "x" * (256 * 1024)}))
    post("with-version", s.body(name("version"), resourceVersion="5"))
    post("wrong-kind", {**s.body(name("kind")), "kind": "Robot"})
    post("wrong-version", {**s.body(name("api")), "apiVersion": "v7"})
    post("wrong-type", {**s.body(name("type")), **s.wrong})
    post("name-type", s.body("", name=5))
    post("label-type", s.body(name("label"), labels={"k": 5}))
    post("strict", {**s.body(name("strict")), "imagined": 1}, "fieldValidation=Strict")
    post("warn", {**s.body(name("warn")), "imagined": 1}, "fieldValidation=Warn")
    post("validation-wrong", s.body(name("valid")), "fieldValidation=Maybe")
    post("list-body", [1])
    post("empty", None)
    post("stamps", s.body(name("stamps"), uid="mine", generation=7, selfLink="x", creationTimestamp=None))
    if s.namespaced:
        post("other-namespace", s.body(name("place"), namespace="elsewhere"))
        elsewhere = s.path().replace(f"/{NAMESPACE}/", "/nowhere/")
        rows.add(f"{low}/create/no-namespace", Step("POST", elsewhere, s.body(name("place"))))


def _reading(rows: Rows, s: Sample) -> None:
    low = s.kind.lower()
    rows.add(f"{low}/get/missing", Step("GET", s.path("nope")))
    for tail, query in (
        ("label-wrong", "labelSelector=a in b"),
        ("label-value", "labelSelector=a%3Dwhite space"),
        ("field-unknown", "fieldSelector=spec.imagined%3Dx"),
        ("field-wrong", "fieldSelector=nonsense"),
        ("future", "resourceVersion=99999999"),
        ("version-wrong", "resourceVersion=abc"),
        ("match-alone", "resourceVersionMatch=Exact"),
        ("match-zero", "resourceVersionMatch=Exact&resourceVersion=0"),
        ("match-wrong", "resourceVersionMatch=Maybe&resourceVersion=1"),
        ("continue-wrong", "continue=nonsense"),
        ("none", "labelSelector=none%3Dnone"),
        ("watch-match", "watch=true&resourceVersionMatch=Exact&resourceVersion=1&timeoutSeconds=1"),
        ("watch-version-wrong", "watch=true&resourceVersion=abc&timeoutSeconds=1"),
    ):
        rows.add(f"{low}/list/{tail}", Step("GET", s.path(query=query)))
    labels = {"page": low}
    select = f"labelSelector=page%3D{low}"
    rows.add(
        f"{low}/list/pages",
        *(Step("POST", s.path(), s.body(f"{low}-page-{n}", labels=labels)) for n in range(3)),
        Step("GET", s.path(query=f"{select}&limit=2")),
        Step("GET", s.path(query=f"{select}&limit=2&continue=$continue")),
        Step("GET", s.path(query=f"{select}&fieldSelector=metadata.name%3D{low}-page-1")),
        Step("GET", s.path(query=f"{select}&fieldSelector=metadata.name!%3D{low}-page-1")),
    )
    if s.kind not in WATCHED:
        return
    rows.add(
        f"{low}/watch",
        Step("GET", s.path(query=f"watch=true&{select}&timeoutSeconds=1")),
    )
    rows.add(
        f"{low}/watch/changes",
        Step("GET", s.path(query="labelSelector=watched%3Dyes")),
        Step("POST", s.path(), s.body(f"{low}-watched", labels={"watched": "yes"})),
        Step("PATCH", s.path(f"{low}-watched"), s.change, MERGE),
        Step("PATCH", s.path(f"{low}-watched"), {"metadata": {"labels": {"watched": "no"}}}, MERGE),
        Step(
            "GET",
            s.path(query="watch=true&resourceVersion=$first&labelSelector=watched%3Dyes&timeoutSeconds=1"),
        ),
    )


def _changing(rows: Rows, s: Sample) -> None:
    low = s.kind.lower()
    n = f"{low}-change"
    at = s.path(n)
    absent = f"{low}-made" if s.made_by_update else "nope"
    rows.add(f"{low}/update/missing", Step("PUT", s.path(absent), s.body(absent, resourceVersion="1")))
    rows.add(f"{low}/patch/missing", Step("PATCH", s.path("nope"), s.change, MERGE))
    rows.add(
        f"{low}/change",
        Step("POST", s.path(), s.body(n)),
        Step("PATCH", at, s.change, MERGE),
        Step("PATCH", at, s.change, MERGE),
        Step("PATCH", at, {"metadata": {"labels": {"a": "b"}}}, MERGE + ";charset=utf-8"),
        Step("PATCH", at, [{"op": "add", "path": "/metadata/labels/c", "value": "d"}], JSON_PATCH),
        Step("PATCH", at, [{"op": "test", "path": "/metadata/labels/c", "value": "x"}], JSON_PATCH),
        Step("PATCH", at, [{"op": "remove", "path": "/nowhere"}], JSON_PATCH),
        Step("PATCH", at, [{"op": "conjure", "path": "/metadata"}], JSON_PATCH),
        Step("PATCH", at, {"metadata": {"labels": {"e": "f"}}}, STRATEGIC),
        Step("PATCH", at, {"metadata": {"labels": None}}, MERGE),
        Step("PATCH", at, {"metadata": {"uid": "other"}}, MERGE),
        Step("PATCH", at, {"metadata": {"resourceVersion": "1"}}, MERGE),
        Step("PATCH", at, {"metadata": {"name": "other"}}, MERGE),
        Step("PATCH", at, s.wrong, MERGE),
        Step("PATCH", at, {"kind": "Robot"}, MERGE),
        Step("PATCH", at, LABEL, "text/plain"),
        Step("PATCH", at + "?dryRun=All", {"metadata": {"labels": {"dry": "yes"}}}, MERGE),
        Step("GET", at),
    )
    n = f"{low}-update"
    at = s.path(n)
    body = s.body(n, labels={"x": "y"})
    rows.add(
        f"{low}/update",
        Step("POST", s.path(), s.body(n)),
        # what is used is counted after the answer, and makes another version
        *([Step("AWAIT", at, '"used"'), Step("GET", at)] if s.kind == "ResourceQuota" else []),
        Step("PUT", at, s.body(n, labels={"x": "y"}, resourceVersion="$rv")),
        Step("PUT", at, {**body, "metadata": {**body["metadata"], "resourceVersion": "1"}}),
        Step("PUT", at, {**body, "metadata": {**body["metadata"], "resourceVersion": "abc"}}),
        Step("PUT", at, s.body(n, labels={"x": "z"})),
        Step("PUT", at, s.body("other")),
        Step("GET", at),
        Step("PUT", at, s.body(n, uid="other", resourceVersion="$rv")),
    )


def _deleting(rows: Rows, s: Sample) -> None:
    low = s.kind.lower()
    n = f"{low}-delete"
    at = s.path(n)
    pre = lambda **what: {"preconditions": what}  # noqa: E731
    rows.add(f"{low}/delete/missing", Step("DELETE", s.path("nope")))
    rows.add(
        f"{low}/delete",
        Step("POST", s.path(), s.body(n)),
        Step("DELETE", at, pre(uid="other")),
        Step("DELETE", at, pre(resourceVersion="1")),
        Step("DELETE", at, {"propagationPolicy": "Sideways"}),
        Step("DELETE", at, {"gracePeriodSeconds": -1})
        if s.kind == "x"
        else Step("DELETE", at + "?dryRun=All"),
        Step("DELETE", at + "?orphanDependents=true&propagationPolicy=Orphan"),
        Step("GET", at),
        *([] if s.kind == "Namespace" else [Step("DELETE", at), Step("GET", at)]),
    )
    if s.kind == "Namespace":
        return
    n = f"{low}-held"
    at = s.path(n)
    rows.add(
        f"{low}/delete/finalizer",
        Step("POST", s.path(), s.body(n, finalizers=["argovx.dev/hold"])),
        Step("DELETE", at),
        Step("DELETE", at),
        Step("PATCH", at, {"metadata": {"finalizers": ["argovx.dev/hold", "argovx.dev/more"]}}, MERGE),
        Step("PATCH", at, {"metadata": {"finalizers": None}}, MERGE),
        Step("GET", at),
    )
    rows.add(
        f"{low}/deletecollection",
        *(Step("POST", s.path(), s.body(f"{low}-many-{i}", labels={"many": low})) for i in range(2)),
        Step("DELETE", s.path(query=f"labelSelector=many%3D{low}")),
        Step("GET", s.path(query=f"labelSelector=many%3D{low}")),
    )


def _denied(rows: Rows, s: Sample) -> None:
    low = s.kind.lower()
    for verb, step in {
        "get": Step("GET", s.path("some"), user="nobody"),
        "list": Step("GET", s.path(), user="nobody"),
        "watch": Step("GET", s.path(query="watch=true"), user="nobody"),
        "create": Step("POST", s.path(), s.body("some"), user="nobody"),
        "update": Step("PUT", s.path("some"), s.body("some"), user="nobody"),
        "patch": Step("PATCH", s.path("some"), s.change, MERGE, user="nobody"),
        "delete": Step("DELETE", s.path("some"), user="nobody"),
        "deletecollection": Step("DELETE", s.path(), user="nobody"),
    }.items():
        if (s.kind, verb) != ("Namespace", "deletecollection"):
            rows.add(f"{low}/{verb}/denied", step)


def rows() -> dict[str, list[Step]]:
    """Return every row by its name."""
    found = Rows()
    for sample in SAMPLES:
        for part in (_creation, _reading, _changing, _deleting, _denied):
            part(found, sample)
    of_argo = kubernetes_argo_rows.rows() if os.environ.get("ARGO_CRDS") else {}
    return {**found.found, **kubernetes_policies.rows(), **kubernetes_definitions.rows(), **of_argo}


_WORDS = {
    "uid": "<uid>",
    "resourceVersion": "<version>",
    "creationTimestamp": "<time>",
    "deletionTimestamp": "<time>",
    "startTime": "<time>",
    "lastTransitionTime": "<time>",
    "continue": "<token>",
}
_UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_ACCESS = re.compile(r"kube-api-access-[a-z0-9]{5}")
#: What only Go's own libraries say: dumps of the object, how a decoder got stuck, media types that are not ours.
_GO = (
    (re.compile(r'(Invalid value: )"\{.*\}": .*', re.DOTALL), r"\1<object>"),
    (re.compile(r"(compilation failed: ERROR: ).*", re.DOTALL), r"\1<why>"),
    (re.compile(r"(Object '\w+' is missing in ).*", re.DOTALL), r"\1<object>"),
    (re.compile(r"(error parsing regexp: ).*", re.DOTALL), r"\1<why>"),
    (re.compile(r'\[\{"Name":.*\}\]: '), "[<versions>]: "),
    (re.compile(r"(json: ).*", re.DOTALL), r"\1<why>"),
    (re.compile(r"(accepted media types include: ).*"), r"\1<types>"),
    (re.compile(r"(pod updates may not change fields other than).*", re.DOTALL), r"\1 <fields>"),
    (re.compile(r"StorageError: .*AdditionalErrorMsg: "), ""),
    (re.compile(r' in scheme ".*?"'), ""),
    (re.compile(r"(ResourceVersion in (?:record \(|object meta: )|current: )\d+"), r"\1<version>"),
)
#: Rows whose message is in our own words: the real one speaks of its parser.
#: Rows in which ours differs, with the reason; none with Argo's own definitions.
DIFFERENT = (
    {}
    if os.environ.get("ARGO_CRDS")
    else dict.fromkeys(
        (f"{s.kind.lower()}/create/{mode}" for s in SAMPLES if s.custom for mode in ("strict", "warn")),
        "our definitions preserve unknown fields, so the real server does not name them; ours does when asked",
    )
)
OWN_WORDS = ("list/label-wrong", "list/label-value", "list/continue-wrong")


def reduced(value: Any) -> Any:
    """Return an answer with words in place of what no two servers share."""
    if isinstance(value, list):
        items = [reduced(item) for item in value]
        return [item for n, item in enumerate(items) if not n or item != items[n - 1]]
    if isinstance(value, str):
        for pattern, text in (*_GO, (_UID, "<uid>"), (_ACCESS, "kube-api-access-<x>")):
            value = pattern.sub(text, value)
        return value
    if not isinstance(value, dict):
        return value
    return {
        key: _WORDS.get(key, "") if key in _WORDS and item else reduced(item)
        for key, item in value.items()
        if key != "managedFields"
        and not (
            key == "status"
            and value.get("kind", "ResourceQuota") == "ResourceQuota"
            and "spec" in value
            and "hard" in (value["spec"] or {})
        )
        and not (key == "details" and not item)
    }


def _settle(http: Any, path: str, text: str, headers: dict[str, str]) -> None:
    """Wait until a policy holds: the real server takes up to a second."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        answer = http("POST", f"{path}?dryRun=All", "", text.encode(), headers)
        if answer.status_code != 201 or "warning" in answer.headers:
            return
        time.sleep(0.05)
    raise AssertionError(f"no policy refused {text}")


def _await(http: Any, step: Step) -> None:
    """Wait until a path is answered, with a word in the answer, or until it is gone."""
    wanted = 404 if step.method == "GONE" else 200
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        answer = http("GET", step.path, "", b"", {})
        if answer.status_code == wanted and (step.body or "") in answer.text:
            return
        time.sleep(0.05)
    raise AssertionError(f"{step.path} did not come to {wanted} {step.body or ''}")


def play(http: Any, steps: list[Step]) -> list[Any]:
    """Send a row's requests one after another and return the reduced answers.

    Parameters
    ----------
    http : callable
        ``(method, path, user, data, headers)`` to a response.
    """
    answers, said = [], {"uid": "", "rv": "", "continue": "", "first": ""}
    for step in steps:
        text = "" if step.body is None else json.dumps(step.body)
        path = step.path
        for word, value in said.items():
            text, path = text.replace(f"${word}", value), path.replace(f"${word}", value)
        headers = {"content-type": step.media or "application/json"} if text else {}
        if step.method == "SETTLE":
            _settle(http, path, text, headers)
            continue
        if step.method == "DEFINE":
            assert http("POST", path, "", text.encode(), headers).status_code in (201, 409)
            _await(http, Step("AWAIT", kubernetes_definitions.WIDGET_PATH))
            continue
        if step.method in ("AWAIT", "GONE"):
            _await(http, step)
            continue
        response = http(step.method, path, step.user, text.encode(), headers)
        answer: dict[str, Any] = {"code": response.status_code}
        if "warning" in response.headers and "fieldManager" not in response.headers["warning"]:
            answer["warning"] = response.headers["warning"]
        lines = [json.loads(line) for line in response.text.splitlines() if line]
        answer["body"] = reduced(
            lines if "watch=true" in path and response.ok else lines[0] if lines else None
        )
        meta = lines[0].get("metadata", {}) if lines and isinstance(lines[0], dict) else {}
        for word, key in (("uid", "uid"), ("rv", "resourceVersion"), ("continue", "continue")):
            said[word] = meta.get(key) or said[word]
        said["first"] = said["first"] or said["rv"]
        answers.append(answer)
    return answers
