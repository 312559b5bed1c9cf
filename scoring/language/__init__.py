"""The expressions of a scorecard: text to a tree, and back. What a name means is not known here."""
