"""Backup and restore: a data folder in three parts, each a folder that can be kept apart.

`parts` says what belongs to which, `files` copies and compares, `part` is one part on a disk.
`making` writes a backup while the app is stopped, `restoring` makes a data folder of one.
docs/decisions/0033-backup.md says why there are three.
"""
