"""The two clouds on loopback: a Kubernetes API with an Argo engine, and the Google services a step meets.

Speaks the remote systems' protocols and imports none of the clients that are tried against it.
"""
