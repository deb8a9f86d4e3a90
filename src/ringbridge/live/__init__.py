"""Where the machines meet sockets."""
