"""Writes ``schema/`` from the vendor's installed packages; run at development time only.

    python -m argovx_lab.sandbox.google.generate [FOLDER]

Owns how the RPC table is read: gRPC method paths and message types come from the generated transports,
driven with a channel that records; HTTP rules from the REST transports' own tables. Nothing is typed by
hand except the REST rules of services whose generated clients have no REST transport. The server never
imports this module.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
import zlib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

SCHEMA = Path(__file__).parent / "schema"
#: Services whose messages go into the descriptor set, so that the sandbox can emulate them.
DESCRIBED = (
    "google.cloud.aiplatform.v1.JobService",
    "google.cloud.aiplatform.v1.MetadataService",
    "google.cloud.aiplatform.v1.TensorboardService",
    "google.cloud.aiplatform.v1.PersistentResourceService",
    "google.longrunning.Operations",
    "google.cloud.location.Locations",
    "google.logging.v2.LoggingServiceV2",
    "google.monitoring.v3.MetricService",
    "google.iam.admin.v1.IAM",
    "google.iam.credentials.v1.IAMCredentials",
    "google.cloud.resourcemanager.v3.Projects",
)
#: What travels inside ``google.protobuf.Any``: no RPC names these types.
CARRIED = (
    "google.cloud.aiplatform.v1.CreateMetadataStoreOperationMetadata",
    "google.cloud.aiplatform.v1.DeleteOperationMetadata",
    "google.cloud.audit.AuditLog",
    "google.protobuf.Empty",
    "google.rpc.BadRequest",
    "google.rpc.ErrorInfo",
    "google.rpc.Help",
    "google.rpc.QuotaFailure",
    "google.rpc.RetryInfo",
)
_PACKAGES = (
    "google.cloud.aiplatform_v1.services",
    "google.cloud.logging_v2.services",
    "google.cloud.monitoring_v3.services",
    "google.cloud.iam_admin_v1.services",
    "google.cloud.iam_credentials_v1.services",
    "google.cloud.resourcemanager_v3.services",
)
_DISTRIBUTIONS = (
    *("google-cloud-aiplatform", "google-cloud-logging", "google-cloud-monitoring", "google-cloud-iam"),
    "google-cloud-resource-manager",
)
_LOGS = "/google.logging.v2.LoggingServiceV2/"
_METRICS = "/google.monitoring.v3.MetricService/"
_ACCOUNTS = "/google.iam.admin.v1.IAM/"
_ACCOUNT = "{resource=projects/*/serviceAccounts/*}"
#: Services whose generated clients have no REST transport, though their REST is served and used.
#: Source: the option (google.api.http) of google/logging/v2/logging.proto,
#: google/monitoring/v3/metric_service.proto and google/iam/admin/v1/iam.proto.
_HAND_WRITTEN = {
    _LOGS + "ListLogEntries": [["post", "/v2/entries:list", "*"]],
    _LOGS + "WriteLogEntries": [["post", "/v2/entries:write", "*"]],
    _LOGS + "ListLogs": [["get", "/v2/{parent=projects/*}/logs", ""]],
    _LOGS + "DeleteLog": [["delete", "/v2/{log_name=projects/*/logs/*}", ""]],
    _METRICS + "ListTimeSeries": [["get", "/v3/{name=projects/*}/timeSeries", ""]],
    _METRICS + "CreateTimeSeries": [["post", "/v3/{name=projects/*}/timeSeries", "*"]],
    _METRICS + "ListMetricDescriptors": [["get", "/v3/{name=projects/*}/metricDescriptors", ""]],
    _METRICS + "GetMetricDescriptor": [["get", "/v3/{name=projects/*/metricDescriptors/**}", ""]],
    _METRICS + "ListMonitoredResourceDescriptors": [
        ["get", "/v3/{name=projects/*}/monitoredResourceDescriptors", ""]
    ],
    _METRICS + "GetMonitoredResourceDescriptor": [
        ["get", "/v3/{name=projects/*/monitoredResourceDescriptors/*}", ""]
    ],
    _ACCOUNTS + "ListServiceAccounts": [["get", "/v1/{name=projects/*}/serviceAccounts", ""]],
    _ACCOUNTS + "GetServiceAccount": [["get", "/v1/{name=projects/*/serviceAccounts/*}", ""]],
    _ACCOUNTS + "CreateServiceAccount": [["post", "/v1/{name=projects/*}/serviceAccounts", "*"]],
    _ACCOUNTS + "DeleteServiceAccount": [["delete", "/v1/{name=projects/*/serviceAccounts/*}", ""]],
    _ACCOUNTS + "GetIamPolicy": [["post", f"/v1/{_ACCOUNT}:getIamPolicy", ""]],
    _ACCOUNTS + "SetIamPolicy": [["post", f"/v1/{_ACCOUNT}:setIamPolicy", "*"]],
    _ACCOUNTS + "TestIamPermissions": [["post", f"/v1/{_ACCOUNT}:testIamPermissions", "*"]],
}
_IAM = ("GetIamPolicy", "SetIamPolicy", "TestIamPermissions")

Rpc = dict[str, Any]


def _recorder() -> Any:
    grpc: Any = importlib.import_module("grpc")

    class Recorder(grpc.Channel):  # type: ignore[misc]
        """A channel that notes what it is asked for instead of connecting."""

        def __init__(self) -> None:
            self.seen: dict[str, tuple[Any, Any, str]] = {}

        def _note(kind: str) -> Any:  # noqa: N805
            def record(
                self: Any,
                path: str,
                request_serializer: Any = None,
                response_deserializer: Any = None,
                *_: Any,
                **__: Any,
            ) -> Any:
                self.seen[path] = (request_serializer, response_deserializer, kind)
                return lambda *_: None

            return record

        unary_unary = _note("unary")
        unary_stream = _note("server_streaming")
        stream_unary = _note("client_streaming")
        stream_stream = _note("bidi_streaming")

        def subscribe(self, *_: Any) -> None: ...
        def unsubscribe(self, *_: Any) -> None: ...
        def close(self) -> None: ...
        def __enter__(self) -> Any: ...
        def __exit__(self, *_: Any) -> None: ...

    return Recorder()


def _transport(module: Any, suffix: str) -> Any:
    return next((v for k, v in vars(module).items() if k.endswith(suffix) and k[0] != "_"), None)


def _http(package: str) -> dict[str, list[list[str]]]:
    """Return the HTTP rules of a service by method name; none where it has no REST transport."""
    try:
        module = importlib.import_module(f"{package}.transports.rest_base")
    except ModuleNotFoundError:
        return {}
    base = next(v for k, v in vars(module).items() if k.startswith("_Base") and k.endswith("RestTransport"))
    rules: dict[str, list[list[str]]] = {}
    for name, value in vars(base).items():
        if name.startswith("_Base") and hasattr(value, "_get_http_options"):
            options = value._get_http_options()  # noqa: SLF001
            rules[name[len("_Base") :]] = [[o["method"], o["uri"], o.get("body", "")] for o in options]
    return rules


def _services() -> Iterator[tuple[str, dict[str, Any], dict[str, list[list[str]]]]]:
    for parent in _PACKAGES:
        package = importlib.import_module(parent)
        for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda i: i.name):
            name = f"{parent}.{info.name}"
            transport_class = _transport(importlib.import_module(f"{name}.transports.grpc"), "GrpcTransport")
            recorder = _recorder()
            transport = transport_class(channel=recorder)
            transport._logged_channel = recorder  # noqa: SLF001
            transport._stubs.clear()  # noqa: SLF001
            for attribute in dir(transport_class):
                if isinstance(getattr(transport_class, attribute, None), property):
                    getattr(transport, attribute)
            yield name, recorder.seen, _http(name)


def _type_names(service: str, method: str, serialize: Any, parse: Any) -> tuple[str, str]:
    """Return full names; the raw protobuf services only tell their answers, requests go by convention."""
    request = getattr(getattr(serialize, "__self__", None), "pb", None)
    package = "google.iam.v1" if method in _IAM else service.rpartition(".")[0]
    asked = request().DESCRIPTOR.full_name if request else f"{package}.{method}Request"
    answer = getattr(parse, "__self__", None) or parse
    if answer is None:  # the generated code has no parser for some operations
        empty = method in ("CancelOperation", "DeleteOperation")
        return asked, "google.protobuf.Empty" if empty else "google.longrunning.Operation"
    descriptor = answer.pb().DESCRIPTOR if hasattr(answer, "pb") else answer.DESCRIPTOR
    return asked, descriptor.full_name


def build_table() -> dict[str, Any]:
    """Return the RPC table: every method path with its messages, its kind and its HTTP rules."""
    described: dict[str, Rpc] = {}
    others: dict[str, list[list[str]]] = {}
    for _, seen, rules in _services():
        for path, (serialize, parse, kind) in sorted(seen.items()):
            service, _, method = path[1:].rpartition("/")
            http = rules.get(method) or _HAND_WRITTEN.get(path, [])
            if service not in DESCRIBED or kind != "unary":
                others.setdefault(path, http)
                continue
            request, response = _type_names(service, method, serialize, parse)
            rpc = described.setdefault(path, {"request": request, "response": response, "http": []})
            # every service repeats the rules of operations and locations
            rpc["http"] += [rule for rule in http if rule not in rpc["http"]]
    versions = {name: version(name) for name in _DISTRIBUTIONS}
    return {
        "versions": versions,
        "rpcs": dict(sorted(described.items())),
        "others": dict(sorted(others.items())),
    }


def build_descriptors(table: dict[str, Any]) -> bytes:
    """Return the serialized FileDescriptorSet of everything the described RPCs need, imports first."""
    from google.cloud.audit import audit_log_pb2  # noqa: F401  (registers AuditLog)
    from google.protobuf import descriptor_pb2, descriptor_pool
    from google.rpc import error_details_pb2  # noqa: F401  (registers ErrorInfo and BadRequest)

    pool = descriptor_pool.Default()
    names = {rpc[end] for rpc in table["rpcs"].values() for end in ("request", "response")} | set(CARRIED)
    files = descriptor_pb2.FileDescriptorSet()
    placed: set[str] = set()

    def place(file: Any) -> None:
        if file.name in placed:
            return
        placed.add(file.name)
        for dependency in sorted(file.dependencies, key=lambda f: str(f.name)):
            place(dependency)
        copy = files.file.add()
        file.CopyToProto(copy)
        if not copy.public_dependency:  # generated classes give their imports in no order
            copy.dependency.sort()
        for message in copy.message_type:
            _plain_names(message)

    for name in sorted(names):
        place(pool.FindMessageTypeByName(name).file)
    return bytes(files.SerializeToString(deterministic=True))


def _plain_names(message: Any) -> None:
    """Undo the generated classes' ``type_`` for fields whose name Python reserves; numbers stay."""
    for field in message.field:
        field.name = field.name.rstrip("_")
    for inner in message.nested_type:
        _plain_names(inner)


def write(folder: Path) -> None:
    """Write ``rpcs.json`` and ``descriptors.binpb.z`` into ``folder``."""
    table = build_table()
    text = json.dumps(table, indent=0, separators=(",", ":")) + "\n"
    (folder / "rpcs.json").write_text(text, encoding="utf-8")
    (folder / "descriptors.binpb.z").write_bytes(zlib.compress(build_descriptors(table), 9))


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else SCHEMA)
