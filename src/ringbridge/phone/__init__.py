"""A telephone in the browser: a page on this machine, and the line from it to the twins and the real bridge."""
