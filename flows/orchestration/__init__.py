"""Running stages through Prefect, and going on without it if its API is lost."""
