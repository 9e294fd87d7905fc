"""From stored pairs to a student: networks, objectives, training, evaluation and the report."""
