"""Studies of a trained student: its operator, its outliers, its map of the noise."""
