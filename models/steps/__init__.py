"""Steps of a conversion, one module each; they run in child processes of their own only."""
