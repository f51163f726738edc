"""The commands that answer which backbone is best."""
