"""What the panel knows and decides, without Qt: widgets only show it."""
