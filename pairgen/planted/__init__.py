"""Copies of real pictures that are planted to see which of them filters find."""
