"""What Koopman students encode and decode with, for points and for pictures."""
