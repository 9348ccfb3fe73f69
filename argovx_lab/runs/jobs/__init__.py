"""Custom jobs that no Argo step started, as runs of their own: what Vertex alone says of them.

``alone`` is pure; ``outside`` asks, only while somebody looks. Whatever a job carries is text of whoever made
it: it is shown, and nothing is concluded from it but what the user asked Vertex for.
"""
