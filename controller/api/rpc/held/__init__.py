"""What callers hold of this process while their calls go on: places, turns to speak, bytes."""
