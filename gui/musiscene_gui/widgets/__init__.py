"""What is seen: widgets that show view-models and tell them what the user does."""
