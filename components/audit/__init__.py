"""The page *Audit*: the state of the trail, its events, one picture's way, subject requests."""
