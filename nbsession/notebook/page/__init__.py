"""The live dashboard: the widget, the way in for what is done on the page, its files, a page that replays a record."""
