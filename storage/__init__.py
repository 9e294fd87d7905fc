"""Pairs at rest: samples, shards, records, manifests and the order in which they are read (numpy only)."""
