"""From a teacher to pairs: teachers, samplers, filters and the generation of one shard."""
