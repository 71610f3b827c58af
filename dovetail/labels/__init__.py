"""Labels: who said what and when, what to ask next, when to stop, and how far the answers agree."""
