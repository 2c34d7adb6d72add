"""The board on the box's own screen: a browser in a compositor, begun, watched and switched off at night."""
