"""What is remembered of who may do what."""
