"""The Kubernetes API server of the sandbox: storage, REST, watch, tokens and RBAC."""
