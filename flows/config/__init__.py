"""A recipe: what it may say, where it is read from, and what a home adds to it."""
