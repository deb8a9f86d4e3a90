"""Engine and number are made as wanted, and as they were again: step by step, with a journal of what to put back."""
