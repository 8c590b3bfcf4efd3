"""The page *Audit*: the state of the trail, its events, one picture's way, and what ends when."""
