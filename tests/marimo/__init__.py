"""nbsession in a notebook of marimo, which is no Jupyter: a server of its own, its own encoder, outputs in shadow trees."""
