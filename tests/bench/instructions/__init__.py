"""Counts the instructions of Fairlead's own code above the seam: scripts/instructions.sh."""
