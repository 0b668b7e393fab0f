"""What the documentation promises, held against the program."""
