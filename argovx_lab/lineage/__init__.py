"""One lineage graph out of Argo's nodes and Vertex ML Metadata, and where the two disagree."""
