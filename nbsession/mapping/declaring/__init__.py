"""How classes say what they are mapped to: declaratively, imperatively, by annotations, in strings."""
