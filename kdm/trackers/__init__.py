"""Where a training's numbers and pictures go while it runs, for people to watch."""
