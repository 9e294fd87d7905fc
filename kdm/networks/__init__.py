"""Network bodies, one file each; none of them knows what it is used for."""
