"""A store in a folder: one small file a case. `store` is the way in."""
