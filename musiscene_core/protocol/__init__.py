"""How clients and the daemon talk: messages, connection file, client."""
