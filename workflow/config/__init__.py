"""The configuration: `keys` declares each key, `file` reads them, `faults` says what is wrong with them."""
