"""Attacks on finished releases, and the battery that judges them."""
