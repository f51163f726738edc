"""One controller's life, from start to stop."""
