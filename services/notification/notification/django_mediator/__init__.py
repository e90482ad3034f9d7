"""The Django mediator that Kiungo replaces: its rules, words and waiting messages move in."""
