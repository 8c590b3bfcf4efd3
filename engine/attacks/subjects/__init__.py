"""What is hidden and attacked: patches of people and things, drawn or gathered, in surroundings."""
