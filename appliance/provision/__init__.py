"""A box made ready from one site sheet: what the sheet says, what must change, the change itself, and the way back."""
