"""Rules: from a publication to a plan, and why."""
