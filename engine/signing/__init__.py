"""Signing and verification: keys, certificates, manifests, and what of them fits."""
