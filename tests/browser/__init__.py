"""What a person sees: real notebooks in a real JupyterLab in a real Chromium."""
