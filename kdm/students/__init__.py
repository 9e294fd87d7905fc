"""Student architectures, one file each with its objective."""
