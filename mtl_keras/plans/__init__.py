"""The declaration of an experiment as pure values, its file and its presets."""
