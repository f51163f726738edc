"""What is known of backbones: cost, accuracy, tiers, and which variants they have."""
