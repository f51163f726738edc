"""What a benchmark found, and how it comes into its page."""
