"""Named complete runs, one YAML file each."""
