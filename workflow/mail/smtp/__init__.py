"""The mail server that takes our letters. `outbox` is the way in."""
