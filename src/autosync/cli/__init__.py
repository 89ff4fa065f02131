"""The command line: thin. It parses, asks the service's API, and prints for people or for programs."""
