"""Talk while a request is decided: questions with or without the clock, opinions, internal notes, forwarding."""
