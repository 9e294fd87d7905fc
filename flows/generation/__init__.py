"""Shards of pairs, made side by side on one machine or many: the unit of work, claims, and engines."""
