"""Serial signs: a board as the files that an Alpha sign holds."""
