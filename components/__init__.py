"""Everything that knows Streamlit. Pages read like sentences made of these."""
