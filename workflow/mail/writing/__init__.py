"""A letter as data becomes the bytes of a mail. `render` is the way in."""
