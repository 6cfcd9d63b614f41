"""The append-only prediction log and every data file: reading, sealing, querying, sampling."""
