"""The commands of `credits`, a module for each noun."""
