"""What one object remembers."""
