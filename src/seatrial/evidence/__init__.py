"""Frozen result documents of every kind, and the folder they are kept in."""
