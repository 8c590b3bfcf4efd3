"""The model files, the manifest that names them, their cards; `models.train` makes them."""
