"""What is said of conversions on the page that lists them all."""
