"""Documents, and in `docs.build` what makes one of them."""
