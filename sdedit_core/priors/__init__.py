"""Score models that need no training: exact ones for tests and teaching, and patch models of a few images."""
