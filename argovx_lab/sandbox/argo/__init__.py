"""The Argo engine of the sandbox: a controller that makes of Workflows what Argo Workflows 4.1 makes of them.

``reconcile`` is a pure function over Kubernetes objects; ``controller`` watches, applies and waits.
Nothing is remembered outside the objects: a restart goes on where the status says.
"""
