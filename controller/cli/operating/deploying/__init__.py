"""`edgerank deploy`: agents brought to boards."""
