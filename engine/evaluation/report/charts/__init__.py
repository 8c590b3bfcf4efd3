"""Charts as specifications, one a figure: paper draws them as SVG, the screen with plotly."""
