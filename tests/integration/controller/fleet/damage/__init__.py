"""What is broken, odd or refused fails by itself, and stops nobody."""
