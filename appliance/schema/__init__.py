"""What outsiders build against, in machine-readable form: written from the types, never by hand."""
