"""Words about music and scenes: prompts, strategies and the models that write them."""
