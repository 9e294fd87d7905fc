"""The pipeline: stages, the flows that wrap them, recipes and the command line."""
