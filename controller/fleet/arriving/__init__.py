"""How agents come: who they are, whose place they take, and what is known of their work."""
