"""What a model can do on a call: typed functions, their fences, and what comes of them."""
