"""What the command line does, a file each; `flows.cli` imports them when they are called."""
