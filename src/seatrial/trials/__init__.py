"""The 24 items, what proves each, what runs when."""
