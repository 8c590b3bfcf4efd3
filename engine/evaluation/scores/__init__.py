"""Scores: detections matched with labels, counted, and summarised with confidence bounds."""
