"""Network bodies, one file each; none of them knows its use."""
