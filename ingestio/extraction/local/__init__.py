"""The offline engine (R75): rules over the text layer and its geometry. It reads what is printed and never guesses."""
