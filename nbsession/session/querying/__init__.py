"""Queries and statements: what a session is asked, and statements that change many rows at once."""
