"""Steps that make and run Paddle Lite's files."""
