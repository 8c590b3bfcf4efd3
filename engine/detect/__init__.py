"""Finding: from pixels to `Detection`s. Arrays stay arrays until a detector's last line."""
