"""The online path: front, model workers, keeper."""
