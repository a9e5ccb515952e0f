"""Trying a text before it is saved."""
