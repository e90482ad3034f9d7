"""The Django mediator that Kiungo replaces: its settings, staff and record move in."""
