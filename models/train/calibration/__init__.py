"""Calibration: score fusion, thresholds within a budget, and the release check's thresholds."""
