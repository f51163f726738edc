"""What the controller remembers: tables, migrations, and the functions on them."""
