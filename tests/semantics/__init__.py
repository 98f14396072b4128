"""The lines of the session's semantics, and which tests prove them."""
