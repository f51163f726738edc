"""The command line. `main` names every command; each command's module is loaded when it is used."""
