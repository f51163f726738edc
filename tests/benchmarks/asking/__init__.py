"""How fast a controller answers that remembers much."""
