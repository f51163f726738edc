"""How attempts are leased: to whom, when, and for how long."""
