"""What a person says to an agent, and what it answers."""
