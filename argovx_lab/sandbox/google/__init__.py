"""The Google end of the sandbox: one port, REST and gRPC, for the vendors' own clients.

Owns STS, IAM, Vertex AI, Cloud Storage, Logging and the metadata server of jobs. It imports none of
Google's client packages: messages come from a committed descriptor set (``schema/``).
"""
