"""How well races decide, by simulation and for real."""
