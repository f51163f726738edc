"""Who may do what: certificates, tokens, scopes, and the log of what was changed."""
