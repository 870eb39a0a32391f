"""Bytes become a `Mail`, whatever the bytes. `message` is the way in."""
