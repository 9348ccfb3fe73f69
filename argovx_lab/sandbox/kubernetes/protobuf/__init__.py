"""Bodies that clients send as ``application/vnd.kubernetes.protobuf``: read here, answered in JSON."""
