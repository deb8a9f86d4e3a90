"""What happened: lines for the operator, numbers for Prometheus, and a watch on the event loop."""
