"""What runs on a device: connection, artifact cache, device profile, measuring, runtimes."""
