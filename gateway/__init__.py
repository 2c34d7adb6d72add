"""Telephony in, CRM out and back."""
