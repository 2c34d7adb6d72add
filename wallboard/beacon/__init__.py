"""Stack lights, buzzer and button: the floor told by lamps."""
