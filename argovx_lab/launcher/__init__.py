"""The pod program: one step from its arguments to verified outputs, whatever dies in between.

Small on purpose: REST over one session, no vendor SDK, no Kubernetes client, no IPython.
"""
