"""Speeds as ratios within one run, and ablations at equal budget (`make bench`)."""
