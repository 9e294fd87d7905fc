"""Reading pairs for training: the order, who reads what, and checked shards."""
