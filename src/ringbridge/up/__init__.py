"""From keys to a number that is answered: the steps of `ringbridge up`, and what goes on while it is up."""
