"""Collections of related objects: their kinds, their attributes, and the methods that tell what comes and goes."""
