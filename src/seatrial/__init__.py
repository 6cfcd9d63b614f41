"""Puts a machine-learning model through its trial before launch, and explains every point lost."""
