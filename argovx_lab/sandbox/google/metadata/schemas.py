"""Metadata schemas: the system's, which are known by name, and those that a project makes itself.

Owns their methods and what an own schema demands of a node's metadata: the part of OpenAPI 3 that describes
objects (types, ``properties``, ``required``, ``additionalProperties``, ``items``, ``enum``). A schema that
says more is refused by name, so that nothing is accepted and not enforced.
Source: https://cloud.google.com/vertex-ai/docs/ml-metadata/system-schemas
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from argovx_lab.sandbox.google.errors import GoogleError, invalid, not_found, unimplemented
from argovx_lab.sandbox.google.fields import Fields
from argovx_lab.sandbox.google.filters import Comparison, matches
from argovx_lab.sandbox.google.gateway import Call, Document, Handler
from argovx_lab.sandbox.google.metadata.graph import STORE_PATTERN, Graph, key
from argovx_lab.sandbox.google.metadata.stores import Stores
from argovx_lab.sandbox.google.names import Project
from argovx_lab.sandbox.google.paging import page

_TABLE: Final = "meta.schemas"
_PATTERN: Final = STORE_PATTERN + "/metadataSchemas/{schema}"
_ID: Final = re.compile(r"[a-z0-9-]{4,128}")
_TITLE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*\.[A-Za-z][A-Za-z0-9_]*")
_SEMVER: Final = re.compile(r"\d+\.\d+\.\d+")
SYSTEM: Final = re.compile(r"(system|google)\.[A-Za-z]+")
#: The only version of the system's schemas.
SYSTEM_VERSION: Final = "0.0.1"
_KINDS: Final = ("ARTIFACT_TYPE", "EXECUTION_TYPE", "CONTEXT_TYPE")
_FIELDS: Final = Fields({"schema_title": "string", "schema_type": "enum", "create_time": "time"})
_ENFORCED: Final = frozenset({"type", "properties", "required", "additionalProperties", "items", "enum"})
_SAID: Final = frozenset({"title", "description", "example", "default", "format"})
_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "number": (int, float),
    "integer": (int, float),
}


class Schemas:
    """The methods of metadata schemas, and their enforcement."""

    def __init__(self, graph: Graph, stores: Stores, project: Project) -> None:
        self._graph = graph
        self._stores = stores
        self._project = project

    def handlers(self) -> dict[str, Handler]:
        """Return the methods served here."""
        prefix = "/google.cloud.aiplatform.v1.MetadataService/"
        return {
            prefix + "CreateMetadataSchema": self.create,
            prefix + "GetMetadataSchema": self.get,
            prefix + "ListMetadataSchemas": self.list,
        }

    async def create(self, _: Call, message: Document) -> Document:
        """Make a schema."""
        parent = self._stores.require(message.get("parent", ""))
        wanted = message.get("metadata_schema") or {}
        version = wanted.get("schema_version", "")
        if not _SEMVER.fullmatch(version):
            field = "metadata_schema.schema_version"
            raise invalid(f"The schema version '{version}' is not MAJOR.MINOR.PATCH.", [field])
        if wanted.get("schema_type") not in _KINDS:
            field = "metadata_schema.schema_type"
            raise invalid(f"The schema type must be one of {', '.join(_KINDS)}.", [field])
        title = str(_parsed(wanted.get("schema", "")).get("title"))
        given = message.get("metadata_schema_id") or f"{title}-v{version}".lower().replace(".", "-")
        if not _ID.fullmatch(given):
            text = f"Invalid metadata_schema_id '{given}': 4 to 128 of a-z, 0-9 and -."
            raise invalid(text, ["metadata_schema_id"])
        name = f"{parent}/metadataSchemas/{given}"
        if self._graph.db.get(_TABLE, key(name)) or self._find(parent, title, version):
            raise GoogleError("ALREADY_EXISTS", f"MetadataSchema with name {name} already exists.")
        kept = {
            f: wanted[f] for f in ("schema", "schema_version", "schema_type", "description") if f in wanted
        }
        made = {"name": name, "create_time": self._graph.now(), **kept}
        self._graph.db.put(_TABLE, key(name), made)
        return made

    async def get(self, _: Call, message: Document) -> Document:
        """Return a schema."""
        name = self._project.canonical(message.get("name", ""))
        self._project.parse(_PATTERN, name)
        found = self._graph.db.get(_TABLE, key(name))
        if found is None:
            raise not_found(
                f"Resource not found.; GetMetadataSchema is unable to find schema with name: {name}"
            )
        return found

    async def list(self, _: Call, message: Document) -> Document:
        """Return the schemas of a store."""
        parent = self._stores.require(message.get("parent", ""))
        expression = _FIELDS.parse(message.get("filter", ""))

        def leaf(part: object, document: Mapping[str, Any]) -> bool:
            titled = {**document, "schema_title": _parsed(document["schema"]).get("title")}
            return isinstance(part, Comparison) and _FIELDS.compare(part, titled)

        found = [s for s in self._within(parent) if matches(expression, s, leaf)]
        chosen, token = page(found, message)
        return {"metadata_schemas": chosen, "next_page_token": token}

    def _within(self, store: str) -> Iterator[Document]:
        return (doc for _, doc in self._graph.db.scan(_TABLE, key(store) + "/"))

    def _find(self, store: str, title: str, version: str) -> Document | None:
        for schema in self._within(store):
            parsed = _parsed(schema["schema"])
            if parsed["title"] == title and schema["schema_version"] == version:
                return parsed
        return None

    def check(self, store: str, title: str, version: str, metadata: Mapping[str, Any]) -> None:
        """Refuse a node whose schema is not there, or whose metadata is not what its schema says."""
        if not title or (SYSTEM.fullmatch(title) and version in ("", SYSTEM_VERSION)):
            return
        schema = self._find(store, title, version)
        if schema is None:
            raise not_found(
                f"The metadata schema '{title}' version '{version}' is not found; there are the schemas "
                f"system.* and google.* in version {SYSTEM_VERSION}, and those of CreateMetadataSchema."
            )
        problem = next(_problems(schema, metadata, "metadata"), None)
        if problem:
            raise invalid(f"The metadata does not match schema '{title}': {problem}", ["metadata"])


def _parsed(text: str) -> dict[str, Any]:
    """Return a schema from YAML; what is not enforced here is refused."""
    import yaml  # only projects with schemas of their own need it

    field = "metadata_schema.schema"
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise invalid(f"The schema is not YAML: {str(error)[:200]}", [field]) from error
    if not isinstance(value, dict) or not _TITLE.fullmatch(str(value.get("title", ""))):
        raise invalid("The schema must be an object with a title NAMESPACE.NAME.", [field])
    if value.get("type") != "object":
        raise invalid("The schema's type must be object.", [field])
    _known(value, field)
    return value


def _known(schema: Any, field: str) -> None:
    if not isinstance(schema, dict):
        raise invalid("Every part of a schema must be an object.", [field])
    for word in schema:
        if word not in _ENFORCED and word not in _SAID and not str(word).startswith("x-"):
            raise unimplemented(f"'{word}' in a metadata schema", f"It has {', '.join(sorted(_ENFORCED))}.")
    if schema.get("type", "object") not in _TYPES:
        raise invalid(f"The type '{schema['type']}' is not one of {', '.join(_TYPES)}.", [field])
    for part in (schema.get("properties") or {}).values():
        _known(part, field)
    for word in ("items", "additionalProperties"):
        if isinstance(schema.get(word), dict):
            _known(schema[word], field)


def _problems(schema: Mapping[str, Any], value: Any, path: str) -> Iterator[str]:
    kind = schema.get("type")
    if kind is not None:
        wrong = not isinstance(value, _TYPES[kind]) or (kind != "boolean" and isinstance(value, bool))
        if wrong or (kind == "integer" and float(value) != int(value)):
            yield f"{path} must be of type {kind}."
            return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path} must be one of {schema['enum']}."
    if isinstance(value, Mapping):
        yield from _object(schema, value, path)
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        for i, item in enumerate(value):
            yield from _problems(schema["items"], item, f"{path}[{i}]")


def _object(schema: Mapping[str, Any], value: Mapping[str, Any], path: str) -> Iterator[str]:
    properties = schema.get("properties") or {}
    for name in schema.get("required") or []:
        if name not in value:
            yield f"{path}.{name} is required."
    rest = schema.get("additionalProperties", True)
    for name, item in value.items():
        if name in properties:
            yield from _problems(properties[name], item, f"{path}.{name}")
        elif rest is False:
            yield f"{path}.{name} is not a property of the schema."
        elif isinstance(rest, dict):
            yield from _problems(rest, item, f"{path}.{name}")
