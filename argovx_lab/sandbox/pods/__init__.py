"""The node of the sandbox: kubelet and Argo executor in one, with pods as process groups."""

from argovx_lab.sandbox.pods.images import Images, Interpreter
from argovx_lab.sandbox.pods.node import NodeSettings
from argovx_lab.sandbox.pods.runner import PodRunner

__all__ = ["Images", "Interpreter", "NodeSettings", "PodRunner"]
