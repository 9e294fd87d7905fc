"""Samplers: solvers that carry noise x_T at time T down to data x_0 at time 0, one file each.

A sampler with fixed steps is a rule (kdm/solvers/rules.py) on a grid of times (grids.py), and what is
kept of the states that it passes (kept_states.py) is the same for all of them.
"""
