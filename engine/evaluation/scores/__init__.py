"""Scores: detections matched with labels, counted, and told with their confidence bounds."""
