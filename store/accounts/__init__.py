"""Who acts: roles, actors, and the table of acts that says which role may do what."""
