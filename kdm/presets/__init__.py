"""The papers' students by name."""
