"""Mapping: classes, tables, attributes and what is generated for them."""
