"""The tape, played again."""
