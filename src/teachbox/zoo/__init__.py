"""The public model zoo of the Object Detection API: its tables as data, its archives fetched. No TensorFlow here."""
