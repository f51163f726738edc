"""What is known of backbones: accuracy, and models of people's own."""
