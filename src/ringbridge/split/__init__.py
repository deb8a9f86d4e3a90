"""Bridge and brain as two services: a call's bridge and the brain that answers it, joined by one socket."""
