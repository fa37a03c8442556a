"""Drawing: numbers in, pictures on matplotlib axes out; nothing here knows a task or a run."""
