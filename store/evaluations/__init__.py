"""Evaluations of labelled data sets, picture by picture."""
