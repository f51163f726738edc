"""What is brought to a board: our wheel and those that it needs, a Python, a native runner."""
