"""The nodes' texts in other languages: tables of translations, and the files made from them."""
