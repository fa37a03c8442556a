"""Drawing numbers on matplotlib axes, without any knowledge of tasks or runs."""
