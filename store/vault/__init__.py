"""The vault: originals and names encrypted where they lie, and keys whose end is theirs.

A master key, from outside the data (`master`), wraps a key for each batch; that wraps a key for
each picture; that seals whatever is of the picture: its original, its name, a reason that quotes
it. Wrapped keys lie in `keyring` of the data folder, outside the database, so that destroying one
(`shredding`) makes what it sealed unreadable wherever copies of it lie. `vault.Vault` is the way
in; `source.SealedSource` is what a worker gets, `private_text.PrivateText` what a row has. Nothing
here knows DuckDB.
docs/decisions/0027-vault.md says why it is as it is.
"""
