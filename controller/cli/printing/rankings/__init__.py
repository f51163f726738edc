"""Rankings on the terminal."""
