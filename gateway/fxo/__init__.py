"""Analog lines: who calls, what the line does, and what becomes of the call. Pure codecs and one state machine; thin ports around them."""
