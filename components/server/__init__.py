"""The app's HTTP border: which requests reach Streamlit at all, and the command that starts it."""
