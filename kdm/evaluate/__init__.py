"""Metrics over a student and a store, one file each."""
