"""Going back in an emergency: what is true now, whether the way back still holds, and what came of it."""
