"""Running stages through Prefect, and going on without it where its API is lost."""
