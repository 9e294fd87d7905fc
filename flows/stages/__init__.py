"""The stages as plain functions that know nothing of the orchestrator."""
