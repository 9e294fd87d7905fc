"""What of a training set can be told from samples: distances, a membership test, near-duplicates."""
