"""One file a checkpoint format: ``detect`` and ``parse``."""
