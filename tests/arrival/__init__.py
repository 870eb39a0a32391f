"""Mail as it really arrives: one file a way in which it does."""
