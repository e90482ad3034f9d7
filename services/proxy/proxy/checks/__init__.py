"""How the parts of the installation are: looked at by a worker, read by pages and alert rules."""
