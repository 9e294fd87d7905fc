"""What a push sends: which files of a set, a student or a teacher travel, their cards, and the sending."""
