"""The studies that come with the project: one YAML file each (flows/study/study.py says what it may hold)."""
