"""Who may come in: clients and their secrets, tokens, staff, and how often one may be wrong."""
