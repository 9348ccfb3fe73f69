"""Frozen data that every layer speaks: steps, runs, records and the names that join them. No I/O."""
