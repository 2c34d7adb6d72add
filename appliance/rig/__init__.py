"""A box as a hardware-in-the-loop target: every simulator at hand, every output in sight."""
