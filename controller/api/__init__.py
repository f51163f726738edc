"""What people, programs and agents ask the controller."""
