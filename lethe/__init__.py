"""The command `lethe`. In a wheel everything else lies in this folder too: see `__main__`."""
