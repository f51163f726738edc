"""The agent's one stream to its controller, and what survives its breaks."""
