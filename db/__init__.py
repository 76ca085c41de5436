"""The tables, the engine, and the one place where transactions open and end."""
