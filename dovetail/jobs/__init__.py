"""The long jobs that a person starts: pipeline, workspace and report tied together."""
