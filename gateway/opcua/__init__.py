"""The floor for test rigs and plant: an OPC UA server over the journal."""
