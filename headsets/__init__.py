"""HID telephony: hook and mute of the headsets at the desks."""
