"""Templates and blueprints as Python, and the files that they are written to."""
