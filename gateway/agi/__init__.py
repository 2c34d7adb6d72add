"""The routing help: a FastAGI server that a dialplan may ask for queue and priority."""
