"""What a file is, how many pages it has, the text on them and their pictures; always in bounded child processes."""
