"""Steps that build, rewrite and export Paddle networks."""
