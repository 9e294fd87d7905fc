"""The stages, as plain functions that don't know the orchestrator."""
