"""What is known of backbones without a device: catalog, accuracy, weights, conversion, parity."""
