"""What a person types: ``%session`` and its verbs, as magics and as functions. Each says what it did, or shows a view."""
