"""Sets of pairs in the layouts that other trainers read."""
