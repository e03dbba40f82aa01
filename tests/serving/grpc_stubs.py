"""The stock client stubs of TensorFlow Serving, and requests for the models that the tests serve."""

from __future__ import annotations

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import model_service_pb2_grpc, predict_pb2, prediction_service_pb2_grpc

TWO = "saved_model_half_plus_two_2_versions"
TWO_TF2 = "saved_model_half_plus_two_tf2_cpu"
THREE = "saved_model_half_plus_three"


class Stubs:
    """The stock client stubs on one channel."""

    def __init__(self, port: int) -> None:
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.prediction = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
        self.model = model_service_pb2_grpc.ModelServiceStub(self.channel)


def predict_request(model="default", x=(2.0,), **fields) -> predict_pb2.PredictRequest:
    request = predict_pb2.PredictRequest(**fields)
    request.model_spec.name = model
    request.inputs["x"].CopyFrom(tf.make_tensor_proto(np.array(x, np.float32).reshape(-1, 1)))
    return request


def example(**features: float) -> tf.train.Example:
    return tf.train.Example(
        features=tf.train.Features(
            feature={n: tf.train.Feature(float_list=tf.train.FloatList(value=[v])) for n, v in features.items()}
        )
    )


def refusal(call, request) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call(request, timeout=10)
    return caught.value.code(), caught.value.details()
