"""What people bring: models of their own, and accuracy."""
