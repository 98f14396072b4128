"""The session: what goes in, what is sent, what comes back, and what is undone."""
