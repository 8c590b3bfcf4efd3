"""The shipped policies, one file each, and policies as text: read, written, compared.

What a policy is stands in `engine.policy`.
"""
