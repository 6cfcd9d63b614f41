"""Wire formats: what a request looks like, and its answer, in each protocol the server speaks."""
