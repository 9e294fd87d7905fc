"""Teachers: vector fields of (x, t, label), each with its training objective."""
