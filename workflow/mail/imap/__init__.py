"""The mailbox: watched, fetched from, filed away in. `inbox` is the way in."""
