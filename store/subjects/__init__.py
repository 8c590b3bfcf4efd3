"""Subjects: what people ask about pictures that show them, and the acts that answer.

A picture is found by its release, its file or its name; what is held about it is exported; its
release is taken back and decided anew; it is deleted. Each is an act through the gate, and each
closes a request that can be listed with its deadline. docs/how-to/subject-requests.md is the guide.
"""
