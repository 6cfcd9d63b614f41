"""Public fakes, contract suites and the bank of planted failures."""
