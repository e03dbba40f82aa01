"""The augmentation steps, as TensorFlow graph functions of a sample, a seed and plain arguments."""
