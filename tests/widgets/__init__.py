"""The dashboard's page side in a real Chromium, fed by a fake model: no kernel, no JupyterLab."""
