"""Care of a set over the years: verify it, restore it, convert it, and clear leftovers."""
