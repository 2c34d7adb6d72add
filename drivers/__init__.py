"""One module per wire, real and simulated side by side; knows no journal, queue or agent."""
