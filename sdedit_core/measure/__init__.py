"""How far an edit went and how real it looks: instruments around t0."""
