"""What the controller speaks of: words, figures and reasons."""
