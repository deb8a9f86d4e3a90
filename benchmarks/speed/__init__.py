"""How much a relayed frame, a call and a turn cost, ours beside others."""
