"""Attacks on finished releases, and the battery that tests them for significance."""
