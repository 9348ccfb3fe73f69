"""Cloud Storage's JSON API: buckets, objects and managed folders, with IAM on each.

Owns blobs (files), their records (documents of the store) and the wire form. Refuses by name what it does
not emulate: the XML API and signed URLs, ACLs, holds and retention, notifications, HMAC keys, encryption
keys, lifecycle rules, soft delete.
"""
