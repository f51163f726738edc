"""How one look answers many who ask at once."""
