"""What may answer, and what an operator has ordered: files that need no other service."""
