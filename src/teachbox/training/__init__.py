"""The trainer: waits for answers, trains on all of them, publishes a version, evaluates it."""
