"""What travels: one module per noun."""
