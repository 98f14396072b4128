"""What one object remembers: its state, its old values, and where it is found by key. Knows no table and no database."""
