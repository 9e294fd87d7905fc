"""Random numbers as pure functions of keys: of a sample, of a step."""
