"""Any PBX: its dialect found, its link kept, its calls and agents booked, its service."""
