"""What the program promises to cost, measured beside a peer in the same run."""
