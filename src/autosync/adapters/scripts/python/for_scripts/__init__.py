"""The folder that scripts import ``autosync_scripts`` from."""
