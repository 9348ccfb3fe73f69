"""The audit log as Cloud Audit Logs show it: who did what, on which resource, and how it ended.

Owns the shape of these entries; the lines are read from the file that :mod:`..audit` writes.
Source: https://cloud.google.com/logging/docs/audit/understanding-audit-logs
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from argovx_lab.sandbox.google.errors import CODES
from argovx_lab.sandbox.google.filters import Expression
from argovx_lab.sandbox.google.logs.language import only
from argovx_lab.sandbox.google.permissions import READS, host

#: The two logs: changes, and reads (which take roles/logging.privateLogViewer).
ACTIVITY: Final = "cloudaudit.googleapis.com%2Factivity"
DATA_ACCESS: Final = "cloudaudit.googleapis.com%2Fdata_access"
_TYPE: Final = "type.googleapis.com/google.cloud.audit.AuditLog"
_RESOURCE: Final = "audited_resource"
#: Transports that are services with their own HTTP → their host names.
_SERVICES: Final = {
    "storage": "storage.googleapis.com",
    "sts": "sts.googleapis.com",
    "iamcredentials": "iamcredentials.googleapis.com",
    "metadata": "metadata.google.internal",
}


class AuditLogs:
    """The entries of the audit log.

    Parameters
    ----------
    path : Path
        Its file; the one before it ends in ``.1``.
    """

    def __init__(self, path: Path, project: str) -> None:
        self._path = path
        self._project = project

    def names(self) -> set[str]:
        """Return the names of the logs."""
        return {f"projects/{self._project}/logs/{name}" for name in (ACTIVITY, DATA_ACCESS)}

    def wanted(self, expression: Expression | None) -> bool:
        """Say whether a query may match an entry of ours."""
        kinds = only(expression, "resource.type")
        names = only(expression, "logName", "log_name")
        return (kinds is None or _RESOURCE in kinds) and (
            names is None or any("cloudaudit.googleapis.com" in name for name in names)
        )

    def entries(self, expression: Expression | None, *, private: bool) -> Iterator[dict[str, Any]]:
        """Yield the entries that a query may match; with ``private`` also those of reads."""
        if not self.wanted(expression):
            return
        for path in (self._path.with_name(self._path.name + ".1"), self._path):
            try:
                text = path.read_text(encoding="utf-8")
            except FileNotFoundError:
                continue
            for line in text.splitlines():
                entry = self._entry(json.loads(line))
                if private or entry["log_name"].endswith(ACTIVITY):
                    yield entry

    def _entry(self, line: Mapping[str, Any]) -> dict[str, Any]:
        verb = str(line["permission"]).rpartition(".")[2]
        reads = verb.startswith(READS) or not verb
        service = _SERVICES.get(line["transport"]) or host(line["method"].rpartition(".")[0])
        good = line["outcome"] == "OK"
        return {
            "insert_id": f"audit-{line['at']}-{line['number']}",
            "log_name": f"projects/{self._project}/logs/{DATA_ACCESS if reads else ACTIVITY}",
            "resource": {
                "type": _RESOURCE,
                "labels": {"project_id": self._project, "service": service, "method": line["method"]},
            },
            "timestamp": line["at"],
            "receive_timestamp": line["at"],
            "severity": ("INFO" if reads else "NOTICE") if good else "ERROR",
            "proto_payload": _payload(line, service, good),
        }


def _payload(line: Mapping[str, Any], service: str, good: bool) -> dict[str, Any]:
    principal = line["principal"]
    email = principal.removeprefix("serviceAccount:") if principal.startswith("serviceAccount:") else ""
    who = {"principal_subject": principal, **({"principal_email": email} if email else {})}
    found: dict[str, Any] = {
        "@type": _TYPE,
        "service_name": service,
        "method_name": line["method"],
        "resource_name": line["resource"],
        "authentication_info": who if principal else {},
        "request_metadata": {"caller_ip": "127.0.0.1"},
    }
    if line["permission"]:
        granted = line["outcome"] != "PERMISSION_DENIED"
        found["authorization_info"] = [
            {"resource": line["resource"], "permission": line["permission"], "granted": granted}
        ]
    if not good:
        code = CODES.get(line["outcome"], CODES["INVALID_ARGUMENT"])[1]
        found["status"] = {"code": code, "message": line["message"]}
    return found
