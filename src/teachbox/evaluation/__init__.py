"""How good a detector is: from what it found and what is true to metrics, without TensorFlow."""
