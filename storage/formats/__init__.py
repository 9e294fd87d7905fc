"""Layouts of a shard on disk, one file each: all hold the same content under the same digest."""
