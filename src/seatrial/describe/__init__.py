"""What one input or answer looks like: language, length, format, tampering, domain, columns."""
