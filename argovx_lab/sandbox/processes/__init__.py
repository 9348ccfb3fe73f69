"""Process groups that outlive the server: pods and Vertex jobs of the sandbox run in them."""

from argovx_lab.sandbox.processes.group import ProcessGroup, ProcessState
from argovx_lab.sandbox.processes.logs import read_log
from argovx_lab.sandbox.processes.probe import Isolation, isolation
from argovx_lab.sandbox.processes.spec import LOG_MAX, Mount, ProcessSpec

__all__ = [
    "LOG_MAX",
    "Isolation",
    "Mount",
    "ProcessGroup",
    "ProcessSpec",
    "ProcessState",
    "isolation",
    "read_log",
]
