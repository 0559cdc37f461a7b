"""A job in trouble, for the pictures of the documentation."""
