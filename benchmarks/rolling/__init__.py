"""Two processes of the bridge, restarted one after the other under live calls."""
