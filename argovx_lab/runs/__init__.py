"""The read path: what Argo, Vertex and the bucket say, merged into one ``Run`` with a revision.

``merge`` and ``table`` are pure; ``store`` keeps revisions; ``follow`` is the only place that polls.
"""
