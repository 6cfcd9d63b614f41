"""The pages that people work on: the review."""
