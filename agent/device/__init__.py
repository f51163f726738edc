"""What the device says of itself and of a moment: readers of /proc and /sys."""
