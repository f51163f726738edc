"""What steps compare outputs with, and how."""
