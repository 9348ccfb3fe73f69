"""Custom kinds: their definitions as objects, and what a structural schema makes of a value."""
