"""Kubernetes and Argo as their API shows them: client, reflector and control.

Owns every call that the notebook and the server make to a Kubernetes API. Refuses to interpret: what a
node's phase means for people is ``runs``' business. The ``kubernetes`` package is imported on first use.
"""
