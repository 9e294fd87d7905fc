"""The noise levels between which EDM samples (Karras et al. 2022, Table 1), in the units of the data."""

SIGMA_MAX = 80.0  # of x_T: far above the spread of any data that this is for
# The lowest level that the paper's sampler uses. Networks see ln σ, which is undefined at 0: below
# this level a field's velocity is the one at it.
LOWEST_SIGMA = 0.002
