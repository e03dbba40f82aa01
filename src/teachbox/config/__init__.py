"""pipeline.config and label_map.pbtxt: messages, loading, refusal by name, starters."""
