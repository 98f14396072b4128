"""Relationships: what is declared, how rows are joined, what the attributes of single references do."""
