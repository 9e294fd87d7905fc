"""What stored pairs need over the years: repair, and a second look at what a teacher made."""
