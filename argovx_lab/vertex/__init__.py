"""Vertex AI over REST: custom jobs, their catalogue of machines, and lineage in ML Metadata."""
