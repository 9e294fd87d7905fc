"""Metrics over a student and a store, one file each.

`evaluate` runs them: `draw` pushes noise through a student, `samples` holds what came out beside the
teacher's, each `Metric` turns that into numbers, and `bootstrap` says how sure these are. A new metric
is one file with a subclass of `metric.Metric` and one entry point of the group `kdm.metrics`.
"""
