"""Filters that score pairs and decide which to keep, one file each."""
