"""ML Metadata: stores, the three kinds of nodes, the edges between them, and lineage queries."""
