"""Production accuracy and the ledger that explains what is missing."""
