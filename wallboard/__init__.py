"""What people read: the board as a view model and one renderer per medium."""
