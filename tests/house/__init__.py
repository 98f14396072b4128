"""The house itself: what may be imported, what is shipped, how it is laid out."""
