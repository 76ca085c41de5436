"""What people do, in a real browser, against the program as it is served."""
