"""Cheaper versions of a model: made where they can be, and measured beside the original."""
