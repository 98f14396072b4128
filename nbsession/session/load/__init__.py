"""Loading: from rows to objects, by key, by query, by relationship. Knows mappers and connections; sends no change."""
