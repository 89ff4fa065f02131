"""Where secrets are kept: the environment, files that their owner alone can read, the installation's own folder."""
