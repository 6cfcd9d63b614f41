"""Offline experiments: each returns evidence and judges nothing."""
