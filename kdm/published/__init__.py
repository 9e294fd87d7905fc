"""Reading the published code's files, and numeric goldens made with it."""
