"""The places for a training's numbers and pictures while it runs, for people to watch."""
