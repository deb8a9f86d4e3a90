"""Both vendors, offline: twins that speak the real wire protocols."""
