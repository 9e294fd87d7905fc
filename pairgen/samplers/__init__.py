"""ODE solvers that carry noise at T down to data at 0, one file each."""
