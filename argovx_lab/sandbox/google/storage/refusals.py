"""What of Cloud Storage is refused by name, as lists for the documentation.

Owns nothing: the lists are those by which requests are refused, so they cannot say more than there is.
"""

from __future__ import annotations

from argovx_lab.sandbox.google.storage import buckets, parameters, props, routes


def refused() -> dict[str, list[str]]:
    """Return where something is refused → what."""
    return {
        "methods": sorted(set(routes.ABSENT.values())),
        "the gRPC API": ["`google.storage.v2.Storage`", "`google.storage.control.v2.StorageControl`"],
        "the XML API": ["everything but multipart uploads", "signed URLs"],
        "fields of buckets": [f"all but {', '.join(f'`{name}`' for name in sorted(buckets.HONOURED))}"],
        "fields of objects": [f"`{name}`" for name in sorted(props.REFUSED)],
        "headers": [f"`{name}`" for name in sorted(parameters.HEADERS)],
        "parameters": [
            "every one that the method does not honour",
            "ACLs, but for those of a new bucket that give the project alone its rights",
        ],
    }
