"""The page *Audit*: the state of the trail, its events, and one picture's way through them."""
