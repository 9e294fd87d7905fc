"""Policies: lists of filters under one name, a YAML file each (flows/config/policies.py reads them)."""
