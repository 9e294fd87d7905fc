"""Distances between batches, and the terms of the objectives built from them."""
