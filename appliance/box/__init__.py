"""What a small board tells of itself: power, heat, card, memory, clock, watchdog. Readers of the kernel's files, and what follows."""
