"""Policy versions and the policy file in force."""
