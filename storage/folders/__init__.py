"""Folders at a path or URL: what is written there is whole, durable and named for what it holds."""
