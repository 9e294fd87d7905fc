"""Hand-written kernels, each with what chooses it."""
