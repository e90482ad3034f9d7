"""What e-mails are made of, and what comes back of them."""
