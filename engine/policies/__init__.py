"""The shipped policies, one file each, and policies as text.

What a policy is stands in `engine.policy`.
"""
