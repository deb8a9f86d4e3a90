"""`ringbridge doctor`: what is found out, one topic a file, and a verdict on each. Nothing is changed."""
