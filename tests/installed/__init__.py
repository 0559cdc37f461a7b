"""Truestep as others get it: the wheel, and the page that adds it to a project."""
