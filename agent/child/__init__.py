"""What runs in the measuring child: load, warm up, sample, stop, tell."""
