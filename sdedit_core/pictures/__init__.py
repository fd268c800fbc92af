"""Pictures in and out of files, fitted, painted, put on sheets."""
