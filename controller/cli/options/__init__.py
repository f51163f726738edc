"""Options that several commands share, and what their words are read into."""
