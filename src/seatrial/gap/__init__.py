"""The gap: what users get beside what eval promised, and a ledger of every point between."""
