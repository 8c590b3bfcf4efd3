"""The page *Audit*: the trail and its state, one picture's way, what ends when, who asks of it."""
