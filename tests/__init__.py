"""The project's tests; the folders mirror nbsession's."""
