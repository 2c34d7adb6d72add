"""Asterisk's manager interface (AMI): its wire, its messages, and what they mean for the floor."""
