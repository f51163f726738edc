"""Of what is answered over HTTP."""
