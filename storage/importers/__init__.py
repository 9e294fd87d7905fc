"""Importers of pair sets that others have published."""
