"""CustomResourceDefinitions for the table: what makes one, what is refused, and what its objects must be."""

from __future__ import annotations

from typing import Any

from kubernetes_table_rows import JSON_PATCH, MERGE, NAMESPACE, STRATEGIC, Step

PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
GROUP = "lab.example"
TEXT, WHOLE = {"type": "string"}, {"type": "integer"}


def definition(
    schema: dict[str, Any], plural: str = "things", kind: str = "Thing", **version: Any
) -> dict[str, Any]:
    """Return a definition of a namespaced kind in our group."""
    served = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}, **version}
    spec = {
        "group": GROUP,
        "names": {"plural": plural, "kind": kind},
        "scope": "Namespaced",
        "versions": [served],
    }
    head = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}
    return {**head, "metadata": {"name": f"{plural}.{GROUP}"}, "spec": spec}


def _spec(schema: dict[str, Any], **root: Any) -> dict[str, Any]:
    return definition({"type": "object", "properties": {"spec": schema}, **root})


def _with(path: str, value: Any, **version: Any) -> dict[str, Any]:
    """Return a definition with one field set, or taken out when the value is ``None``."""
    made = definition({"type": "object"}, **version)
    *way, last = path.split(".")
    holder: Any = made
    for name in way:
        holder = holder[int(name) if name.isdigit() else name]
    if value is None:
        del holder[last]
    else:
        holder[last] = value
    return made


_LIST = {"type": "array", "items": {"type": "object", "properties": {"k": TEXT}}}
_MAP = {"x-kubernetes-list-type": "map"}
_OPEN, _EITHER = {"x-kubernetes-preserve-unknown-fields": True}, {"x-kubernetes-int-or-string": True}
_EMBEDDED = {"x-kubernetes-embedded-resource": True}


def _rule(rule: str, **more: Any) -> dict[str, Any]:
    return {"type": "object", "x-kubernetes-validations": [{"rule": rule, **more}]}


#: Row → a definition that is tried without being kept.
TRIED = {
    "plain": definition({"type": "object"}),
    "names": _with("spec.names.shortNames", ["th"]),
    "categories": _with("spec.names.categories", ["all"]),
    "name": _with("metadata.name", f"x.{GROUP}"),
    "no-group": _with("spec.group", None),
    "group": {**_with("spec.group", "lab"), "metadata": {"name": "things.lab"}},
    "group-case": {**_with("spec.group", "Lab.x"), "metadata": {"name": "things.Lab.x"}},
    "group-protected": {**_with("spec.group", "x.k8s.io"), "metadata": {"name": "things.x.k8s.io"}},
    "no-scope": _with("spec.scope", None),
    "scope": _with("spec.scope", "Everywhere"),
    "no-names": _with("spec.names", None),
    "no-kind": _with("spec.names.kind", None),
    "kind": _with("spec.names.kind", "thing_1"),
    "list-kind": _with("spec.names.listKind", "Thing"),
    "short-names": _with("spec.names.shortNames", ["T_"]),
    "no-spec": _with("spec", None),
    "spec-type": _with("spec", 5),
    "schema-type": _with("spec.versions.0.schema", {"openAPIV3Schema": {"type": "object", "properties": 5}}),
    "no-versions": _with("spec.versions", None),
    "empty-versions": _with("spec.versions", []),
    "no-storage": _with("spec.versions.0.storage", False),
    "version": _with("spec.versions.0.name", "V_1"),
    "no-schema": _with("spec.versions.0.schema", None),
    "empty-schema": _with("spec.versions.0.schema", {}),
    "conversion": _with("spec.conversion", {"strategy": "Maybe"}),
    "preserve": _with("spec.preserveUnknownFields", True),
    "status": _with("status", {"conditions": [], "acceptedNames": {"plural": "x", "kind": "y"}}),
    "column": definition(
        {"type": "object"}, additionalPrinterColumns=[{"name": "a", "type": "string", "jsonPath": ".a"}]
    ),
    "column-wrong": definition(
        {"type": "object"}, additionalPrinterColumns=[{"name": "a", "type": "text", "jsonPath": "a"}]
    ),
    "selectable": definition(
        {"type": "object", "properties": {"c": TEXT}}, selectableFields=[{"jsonPath": ".c"}]
    ),
    "selectable-wrong": definition({"type": "object"}, selectableFields=[{"jsonPath": ".c"}]),
    "root-type": definition({"type": "string"}),
    "root-no-type": definition({"description": "x"}),
    "metadata": definition({"type": "object", "properties": {"metadata": {"type": "object"}}}),
    "metadata-type": definition({"type": "object", "properties": {"metadata": TEXT}}),
    "metadata-labels": definition(
        {"type": "object", "properties": {"metadata": {"type": "object", "properties": {"labels": _OPEN}}}}
    ),
    "no-type": _spec({"description": "x"}),
    "type": _spec({"type": "text"}),
    "no-items": _spec({"type": "array"}),
    "properties-and-more": _spec({"type": "object", "properties": {"a": TEXT}, "additionalProperties": TEXT}),
    "more-true": _spec({"type": "object", "additionalProperties": True}),
    "more-false": _spec({"type": "object", "additionalProperties": False}),
    "unique": _spec({**_LIST, "uniqueItems": True}),
    "ref": _spec({"$ref": "#/x"}),
    "dependencies": _spec({"type": "object", "dependencies": {"a": ["b"]}}),
    "pattern-properties": _spec({"type": "object", "patternProperties": {"a": TEXT}}),
    "id": _spec({"type": "object", "id": "x"}),
    "any-of-type": _spec({**TEXT, "anyOf": [TEXT]}),
    "any-of-description": _spec({**TEXT, "anyOf": [{"description": "x"}]}),
    "any-of-property": _spec({"type": "object", "anyOf": [{"properties": {"a": {"minLength": 1}}}]}),
    "either": _spec({**_EITHER, "anyOf": [WHOLE, TEXT]}),
    "either-one": _spec({**_EITHER, "anyOf": [TEXT]}),
    "either-open": _spec({**_EITHER, **_OPEN}),
    "open-false": _spec({"type": "object", "x-kubernetes-preserve-unknown-fields": False}),
    "embedded": _spec({"type": "object", **_EMBEDDED, **_OPEN}),
    "embedded-empty": _spec({"type": "object", **_EMBEDDED}),
    "embedded-type": _spec({**TEXT, **_EMBEDDED}),
    "list-type": _spec({**_LIST, "x-kubernetes-list-type": "bag"}),
    "list-type-object": _spec({"type": "object", "x-kubernetes-list-type": "atomic"}),
    "map-no-keys": _spec({**_LIST, **_MAP}),
    "map-keys-absent": _spec({**_LIST, **_MAP, "x-kubernetes-list-map-keys": ["q"]}),
    "map-keys-optional": _spec({**_LIST, **_MAP, "x-kubernetes-list-map-keys": ["k"]}),
    "map-texts": _spec({"type": "array", "items": TEXT, **_MAP, "x-kubernetes-list-map-keys": ["k"]}),
    "keys-alone": _spec({**_LIST, "x-kubernetes-list-map-keys": ["k"]}),
    "set-objects": _spec({**_LIST, "x-kubernetes-list-type": "set"}),
    "set-nulls": _spec(
        {"type": "array", "items": {**TEXT, "nullable": True}, "x-kubernetes-list-type": "set"}
    ),
    "map-type": _spec({"type": "object", "x-kubernetes-map-type": "loose"}),
    "pattern": _spec({**TEXT, "pattern": "(["}),
    "pattern-perl": _spec({**TEXT, "pattern": "(?=x)"}),
    "default": _spec({**WHOLE, "default": 3}),
    "default-type": _spec({**WHOLE, "default": "x"}),
    "default-bound": _spec({**WHOLE, "default": -1, "minimum": 0}),
    "default-unknown": _spec({"type": "object", "default": {"a": 1}}),
    "default-null": _spec({**TEXT, "default": None}),
    "rule": _spec({**_rule("self.a == 1"), "properties": {"a": WHOLE}}),
    "rule-syntax": _spec(_rule("self.")),
    "rule-undeclared": _spec(_rule("self.a == 1")),
    "rule-variable": _spec(_rule("object.a == 1")),
    "rule-number": _spec(_rule("1")),
    "rule-empty": _spec(_rule("")),
    "rule-message": _spec(_rule("true", message="a\nb")),
    "rule-reason": _spec(_rule("true", reason="Because")),
    "rule-path": _spec(_rule("true", fieldPath=".q")),
    "rule-open": _spec({**_OPEN, "x-kubernetes-validations": [{"rule": "true"}]}),
    "rule-lost": _spec(
        {
            "type": "array",
            "maxItems": 2,
            "items": {**WHOLE, "x-kubernetes-validations": [{"rule": "self == oldSelf"}]},
        }
    ),
    "unknown-word": _spec({"type": "object", "imagined": 1}),
    "empty-words": _spec({**TEXT, "enum": [], "nullable": False, "title": ""}),
}

_RULES = [
    {"rule": "self.n <= self.m", "message": "n over m"},
    {"rule": "self.name == oldSelf.name", "message": "the name stays"},
    {
        "rule": "self.n != 3",
        "messageExpression": "'n of ' + self.name",
        "reason": "FieldValueForbidden",
        "fieldPath": ".n",
    },
    {"rule": "!has(self.gone) || self.gone != 'no'", "reason": "FieldValueRequired", "message": "give it"},
    {"rule": "!has(self.map) || self.map['a'] > 0"},
]
_PARTS = {
    "name": {**TEXT, "minLength": 1, "maxLength": 5, "pattern": "^[a-z]*$"},
    "gone": {**TEXT, "maxLength": 5},
    "n": {**WHOLE, "minimum": 0, "maximum": 10, "default": 1},
    "m": {"type": "number", "default": 5, "maximum": 20, "exclusiveMaximum": True},
    "step": {**WHOLE, "multipleOf": 5, "minimum": 0, "exclusiveMinimum": True},
    "word": {**TEXT, "enum": ["a", "b"]},
    "digit": {**WHOLE, "enum": [1, 2]},
    "nothing": {**TEXT, "nullable": True},
    "either": _EITHER,
    "percent": {**_EITHER, "anyOf": [WHOLE, TEXT], "pattern": "^[0-9]+%?$"},
    "free": {"type": "object", **_OPEN, "properties": {"k": TEXT}},
    "any": _OPEN,
    "map": {"type": "object", "additionalProperties": WHOLE, "maxProperties": 2, "minProperties": 1},
    "set": {"type": "array", "x-kubernetes-list-type": "set", "items": TEXT, "maxItems": 3, "minItems": 1},
    "keyed": {
        "type": "array",
        "maxItems": 5,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["k"],
        "items": {
            "type": "object",
            "required": ["k"],
            "properties": {
                "k": TEXT,
                "v": {**WHOLE, "default": 7, "x-kubernetes-validations": [{"rule": "self >= oldSelf"}]},
            },
        },
    },
    **{name: {**TEXT, "format": name} for name in (
        "date-time", "date", "byte", "duration", "uuid", "ipv4", "ipv6", "cidr", "email", "hostname", "uri", "weird")},
    "small": {**WHOLE, "format": "int32"},
    "inner": {"type": "object", **_EMBEDDED, **_OPEN},
    "not": {**TEXT, "not": {"enum": ["x"]}},
    "one": {"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}], "properties": {"a": TEXT, "b": TEXT}},
    "all": {**WHOLE, "allOf": [{"minimum": 2}, {"maximum": 3}]},
    "flag": {"type": "boolean"},
    "list": {"type": "array", "maxItems": 5, "items": {"type": "object", "properties": {
        "x": {**WHOLE, "x-kubernetes-validations": [{"rule": "self < 5"}]}}}},
    "odd-name": {**WHOLE},
}  # fmt: skip
WIDGETS = definition(
    {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "required": ["name"],
                "x-kubernetes-validations": _RULES,
                "properties": _PARTS,
            },
            "status": {"type": "object", "properties": {"phase": TEXT}},
        },
    },
    "widgets",
    "Widget",
    subresources={"status": {}},
    selectableFields=[{"jsonPath": ".spec.word"}],
)
WIDGET_PATH = f"/apis/{GROUP}/v1/namespaces/{NAMESPACE}/widgets"

#: Row → a spec that is tried; ``name`` is there when it is not said.
SPECS: dict[str, Any] = {
    "plain": {},
    "no-name": {"name": None},
    **{f"name-{n}": {"name": value} for n, value in enumerate(("", "abcdefgh", "AB", "ab\n", 5))},
    **{f"n-{n}": {"n": value} for n, value in enumerate((-1, 11, 1.5, "1", True, 3, None, 6))},
    **{f"m-{n}": {"m": value, "n": 0} for n, value in enumerate((20, 19.3, -1, None))},
    **{f"step-{n}": {"step": value} for n, value in enumerate((0, 7, 10))},
    **{f"word-{n}": {"word": value} for n, value in enumerate(("c", None, 5))},
    "digit": {"digit": 3},
    "nothing": {"nothing": None},
    **{f"either-{n}": {"either": value} for n, value in enumerate((None, True, 1.5, 3, "x"))},
    **{f"percent-{n}": {"percent": value} for n, value in enumerate(("5%", "x", True))},
    **{f"free-{n}": {"free": value} for n, value in enumerate(({"k": 5}, {"z": None}, None))},
    **{f"any-{n}": {"any": value} for n, value in enumerate((None, {"x": None}, [1, "x"]))},
    **{f"map-{n}": {"map": value} for n, value in enumerate(({"a": 1, "b": 2, "c": 3}, {}, {"a": "x"}, {"b": None}, {"b": 1}))},
    **{f"set-{n}": {"set": value} for n, value in enumerate((["a", "a"], [], ["a", "b", "c", "d"], [None], "x"))},
    **{f"keyed-{n}": {"keyed": value} for n, value in enumerate(([{"k": "a"}, {"k": "a", "v": 2}], [{}], [{"k": "a", "z": 1}]))},
    **{f"{name}-wrong": {name: "?"} for name in (
        "date-time", "date", "byte", "duration", "uuid", "ipv4", "ipv6", "cidr", "email", "hostname", "uri", "weird")},
    **{f"{name}-right": {name: value} for name, value in {
        "date-time": "2026-01-02T03:04:05.6Z", "date": "2026-01-02", "byte": "YQ==", "duration": "1h5m",
        "uuid": "123e4567-e89b-12d3-a456-426614174000", "ipv4": "10.0.0.1", "ipv6": "fe80::1", "cidr": "10.0.0.0/8",
        "email": "a@b.example", "hostname": "a.example", "uri": "http://a.example/b"}.items()},
    "small": {"small": 2**40},
    **{f"inner-{n}": {"inner": value} for n, value in enumerate((
        {}, {"apiVersion": "v1", "kind": "X", "q": 1}, {"apiVersion": "v1", "kind": "X", "metadata": {"name": "A_B", "z": 1}},
        {"apiVersion": "v1", "kind": "X", "metadata": {"labels": {"a": 5}}}))},
    "not": {"not": "x"},
    **{f"one-{n}": {"one": value} for n, value in enumerate(({}, {"a": "1"}, {"a": "1", "b": "2"}))},
    **{f"all-{n}": {"all": value} for n, value in enumerate((2, 5))},
    "flag": {"flag": "x"},
    "list-rule": {"list": [{"x": 1}, {"x": 9}, {"x": 7}]},
    "list-item": {"list": [1]},
    "rules": {"n": 6, "list": [{"x": 9}]},
    "required-reason": {"gone": "no"},
    "unknown": {"z": 1, "free": {"y": 1}},
    "odd-name": {"odd-name": 1},
}  # fmt: skip


def widget(called: str, **spec: Any) -> dict[str, Any]:
    head = {"apiVersion": f"{GROUP}/v1", "kind": "Widget", "metadata": {"name": called}}
    return {**head, "spec": {"name": "abc", **spec}}


_DEFINE = Step("DEFINE", PATH, WIDGETS)


def _definitions() -> dict[str, list[Step]]:
    made = definition({"type": "object", "properties": {"a": TEXT}}, "lives", "Life")
    at, rival = f"{PATH}/lives.{GROUP}", definition({"type": "object"}, "living", "Life")
    objects = f"/apis/{GROUP}/v1/namespaces/{NAMESPACE}/lives"
    one = {"apiVersion": f"{GROUP}/v1", "kind": "Life", "metadata": {"name": "one"}, "a": "x", "b": 1}
    held = {**one, "metadata": {"name": "one", "finalizers": ["lab.example/hold"]}}
    found = {
        f"definition/try/{name}": [Step("POST", f"{PATH}?dryRun=All", body)] for name, body in TRIED.items()
    }
    found["definition/life"] = [
        Step("POST", PATH, made),
        Step("AWAIT", objects),
        Step("POST", PATH, made),
        Step("GET", at),
        Step("GET", f"{at}/status"),
        *(Step("PATCH", f"{at}?dryRun=All", {"spec": change}, MERGE) for change in (
            {"scope": "Cluster"}, {"group": "other.example"}, {"names": {"kind": "Other"}},
            {"names": {"plural": "others"}}, {"names": {"shortNames": ["lf"]}}, {"versions": []})),
        Step("PATCH", at, {"metadata": {"labels": {"a": "b"}}}, MERGE),
        Step("PATCH", at, {"metadata": {"labels": {"c": "d"}}}, STRATEGIC),
        Step("PATCH", at, [{"op": "test", "path": "/spec/scope", "value": "Cluster"}], JSON_PATCH),
        Step("PATCH", at, {"status": {"storedVersions": ["v0"]}}, MERGE),
        Step("PUT", at, made),
        Step("GET", f"{PATH}?labelSelector=a%3Db"),
        Step("POST", PATH, rival),
        Step("AWAIT", f"{PATH}/living.{GROUP}", "Established"),
        Step("GET", f"{PATH}/living.{GROUP}"),
        Step("DELETE", f"{PATH}/living.{GROUP}"),
        Step("POST", objects, one),
        Step("GET", f"{objects}/one"),
        Step("GET", f"{objects}?limit=1"),
        Step("DELETE", at, {"preconditions": {"uid": "other"}}),
        Step("DELETE", at),
        Step("GONE", at),
        Step("GET", at),
    ]  # fmt: skip
    made = definition({"type": "object", "properties": {"a": TEXT}}, "helds", "Held")
    at, objects = f"{PATH}/helds.{GROUP}", f"/apis/{GROUP}/v1/namespaces/{NAMESPACE}/helds"
    held = {**held, "kind": "Held"}
    del held["b"]
    found["definition/held"] = [
        Step("POST", PATH, made),
        Step("AWAIT", objects),
        Step("POST", objects, held),
        Step("DELETE", at),
        Step("AWAIT", f"{objects}/one", "deletionTimestamp"),
        Step("POST", objects, {**held, "metadata": {"name": "two"}}),
        Step("PATCH", f"{objects}/one", {"metadata": {"finalizers": None}}, MERGE),
        Step("GONE", at),
        Step("GET", at),
    ]
    for verb, method, path, body in (
        ("get", "GET", f"{PATH}/x.{GROUP}", None),
        ("patch", "PATCH", f"{PATH}/x.{GROUP}", {}),
        ("delete", "DELETE", f"{PATH}/x.{GROUP}", None),
        ("list", "GET", PATH, None),
        ("create", "POST", PATH, made),
        ("update", "PUT", f"{PATH}/helds.{GROUP}", made),
    ):
        media = MERGE if verb == "patch" else ""
        found[f"definition/{verb}/denied"] = [Step(method, path, body, media, user="nobody")]
        if verb in ("get", "patch", "delete"):
            found[f"definition/{verb}/missing"] = [Step(method, path, body, media)]
    found["definition/list/field"] = [Step("GET", f"{PATH}?fieldSelector=spec.group%3Dx")]
    found["definition/list/none"] = [Step("GET", f"{PATH}?labelSelector=none%3Dnone")]
    return found


def _widgets() -> dict[str, list[Step]]:
    tried = f"{WIDGET_PATH}?dryRun=All"
    found = {}
    for name, spec in SPECS.items():
        body = widget("w", **spec)
        body["spec"] = {
            key: value for key, value in body["spec"].items() if key != "name" or value is not None
        }
        found[f"widget/try/{name}"] = [_DEFINE, Step("POST", tried, body)]
    for name, body in {
        "spec-type": {**widget("w"), "spec": 5},
        "spec-null": {**widget("w"), "spec": None},
        "status": {**widget("w"), "status": {"phase": 5}},
        "root-unknown": {**widget("w"), "imagined": 1},
        "no-kind": {key: value for key, value in widget("w").items() if key != "kind"},
        "name-and-more": {**widget("N_", n=-1)},
        "label-type": {**widget("w"), "metadata": {"name": "w", "labels": {"a": 5}}},
    }.items():
        found[f"widget/try/{name}"] = [_DEFINE, Step("POST", tried, body)]
    strict = {"z": 1, "free": {"y": 1}, "list": [{"q": 1}]}
    for mode in ("Strict", "Warn", "Ignore"):
        body = widget("w", **strict)
        found[f"widget/unknown/{mode.lower()}"] = [
            _DEFINE,
            Step("POST", f"{tried}&fieldValidation={mode}", body),
        ]
    at = f"{WIDGET_PATH}/changing"
    before = widget("changing", word="a", keyed=[{"k": "a", "v": 5}, {"k": "b"}])
    found["widget/change"] = [
        _DEFINE,
        Step("POST", WIDGET_PATH, before),
        *(Step("PATCH", at, {"spec": change}, MERGE) for change in (
            {"name": "other"}, {"n": 2}, {"n": None}, {"n": -1}, {"unknown": 1}, {"word": "b"},
            {"keyed": [{"k": "b", "v": 7}, {"k": "a", "v": 4}]}, {"keyed": [{"k": "a", "v": 6}, {"k": "c", "v": 1}]})),
        Step("PATCH", at, {"status": {"phase": "x"}}, MERGE),
        Step("PATCH", f"{at}/status", {"status": {"phase": "x", "more": 1}}, MERGE),
        Step("PATCH", f"{at}/status", {"status": {"phase": 5}}, MERGE),
        Step("PATCH", at, {"spec": {"z": 1}}, f"{MERGE}"),
        Step("PATCH", f"{at}?fieldValidation=Strict", {"spec": {"z": 1}}, MERGE),
        Step("PATCH", at, {"metadata": {"labels": {"a": "b"}}}, STRATEGIC),
        Step("PUT", at, widget("changing")),
        Step("GET", f"{WIDGET_PATH}?fieldSelector=spec.word%3Db"),
        Step("GET", f"{WIDGET_PATH}?fieldSelector=spec.n%3D1"),
        Step("DELETE", at),
        Step("GET", at),
    ]  # fmt: skip
    return found


def rows() -> dict[str, list[Step]]:
    """Return the rows of definitions and of the kind that one of them makes."""
    return {**_definitions(), **_widgets()}
