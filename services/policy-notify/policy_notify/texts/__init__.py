"""What messages say: the texts of every language, and whether they fit into an SMS."""
