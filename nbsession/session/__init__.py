"""The unit of work: sessions, their transactions, what they flush and load. Knows mappers and connections, no notebook."""
