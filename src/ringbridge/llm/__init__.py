"""Language models: what is asked of one, how several stand in for each other, and who speaks to which server."""
