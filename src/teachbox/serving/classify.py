"""Classify, Regress and MultiInference: signatures that take tf.Examples and give scores or values."""

from __future__ import annotations

import numpy as np
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import classification_pb2, inference_pb2, input_pb2, model_pb2, regression_pb2

from teachbox.serving.core import ServerCore
from teachbox.serving.loader import DEFAULT_SIGNATURE, SavedModel
from teachbox.serving.status import Code, StatusError, invalid

CLASSIFY_METHOD = "tensorflow/serving/classify"
REGRESS_METHOD = "tensorflow/serving/regress"


def classify(
    core: ServerCore, request: classification_pb2.ClassificationRequest, *, timeout_ms: int = 0
) -> classification_pb2.ClassificationResponse:
    """PredictionService.Classify."""
    if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")
    with core.lease(request.model_spec) as servable:
        response = classification_pb2.ClassificationResponse()
        response.result.CopyFrom(classify_with(servable.model, request, timeout_ms))
        _fill_spec(response.model_spec, request.model_spec, servable.version)
        return response


def regress(
    core: ServerCore, request: regression_pb2.RegressionRequest, *, timeout_ms: int = 0
) -> regression_pb2.RegressionResponse:
    """PredictionService.Regress."""
    if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")
    with core.lease(request.model_spec) as servable:
        response = regression_pb2.RegressionResponse()
        response.result.CopyFrom(regress_with(servable.model, request, timeout_ms))
        _fill_spec(response.model_spec, request.model_spec, servable.version)
        return response


def multi_inference(
    core: ServerCore, request: inference_pb2.MultiInferenceRequest, *, timeout_ms: int = 0
) -> inference_pb2.MultiInferenceResponse:
    """PredictionService.MultiInference: several signatures of one model on the same examples."""
    _check_tasks(request)
    with core.lease(request.tasks[0].model_spec) as servable:
        response = multi_inference_with(servable.model, request, timeout_ms)
        for task, result in zip(request.tasks, response.results, strict=True):
            _fill_spec(result.model_spec, task.model_spec, servable.version)
        return response


def classify_with(
    model: SavedModel, request: classification_pb2.ClassificationRequest, timeout_ms: int = 0
) -> classification_pb2.ClassificationResult:
    name, signature = _signature(model, request.model_spec, "No signature was found with the name: ")
    return _classify(model, name, signature, examples_of(request.input), timeout_ms)


def regress_with(
    model: SavedModel, request: regression_pb2.RegressionRequest, timeout_ms: int = 0
) -> regression_pb2.RegressionResult:
    name, signature = _signature(model, request.model_spec, "No signature was found with the name: ")
    return _regress(model, name, signature, examples_of(request.input), timeout_ms)


def multi_inference_with(
    model: SavedModel, request: inference_pb2.MultiInferenceRequest, timeout_ms: int = 0
) -> inference_pb2.MultiInferenceResponse:
    """The tasks one after another; all are checked before any is run."""
    _check_tasks(request)
    tasks, seen = [], set()
    for task in request.tasks:
        name, signature = _signature(model, task.model_spec, "Requested signature not found in model graph: ")
        if name in seen:
            raise invalid(f"Duplicate evaluation of signature: {name}")
        seen.add(name)
        if task.method_name not in (CLASSIFY_METHOD, REGRESS_METHOD):
            raise StatusError(Code.UNIMPLEMENTED, f"Unsupported signature method_name: {task.method_name}")
        _only_input(signature)
        tasks.append((task.method_name, name, signature))
    examples = examples_of(request.input)
    response = inference_pb2.MultiInferenceResponse()
    for method, name, signature in tasks:
        result = response.results.add()
        if method == CLASSIFY_METHOD:
            result.classification_result.CopyFrom(_classify(model, name, signature, examples, timeout_ms))
        else:
            result.regression_result.CopyFrom(_regress(model, name, signature, examples, timeout_ms))
    return response


def examples_of(given: input_pb2.Input) -> np.ndarray:
    """The serialized tf.Examples of a request, a string vector; a shared context is merged into each."""
    match given.WhichOneof("kind"):
        case "example_list":
            serialized = [e.SerializeToString() for e in given.example_list.examples]
        case "example_list_with_context":
            context = given.example_list_with_context.context.SerializeToString()
            # Joined messages merge, and what comes last wins: the example's own features.
            serialized = [context + e.SerializeToString() for e in given.example_list_with_context.examples]
        case _:
            serialized = []
    if not serialized:
        raise invalid("Input is empty.")
    return np.array(serialized, object)


def _classify(
    model: SavedModel,
    name: str,
    signature: meta_graph_pb2.SignatureDef,
    examples: np.ndarray,
    timeout_ms: int,
) -> classification_pb2.ClassificationResult:
    outputs = [alias for alias in ("classes", "scores") if alias in signature.outputs]
    if not outputs:
        raise StatusError(
            Code.FAILED_PRECONDITION,
            'Expected classification signature outputs to contain at least one of "classes" or "scores". '
            f"Signature was: {name}",
        )
    values = dict(zip(outputs, model.run(name, {_only_input(signature): examples}, outputs, timeout_ms), strict=True))
    for alias, value in values.items():
        if value.ndim != 2:
            raise invalid(f"Expected Tensor shape: [batch_size num_classes] but got {list(value.shape)} ({alias})")
        if len(value) != len(examples):
            raise invalid(f"Expected {alias} output batch size of {len(examples)}. Got: {len(value)}")
    labels, scores = values.get("classes"), values.get("scores")
    if labels is not None and scores is not None and labels.shape != scores.shape:
        raise invalid(
            f"Tensors class and score should match in shape. Got {list(labels.shape)} vs. {list(scores.shape)}"
        )
    result = classification_pb2.ClassificationResult()
    for row in range(len(examples)):
        entry = result.classifications.add()
        for column in range(next(iter(values.values())).shape[1]):
            one = entry.classes.add()
            if labels is not None:
                label = labels[row, column]
                one.label = label.decode("utf-8", "replace") if isinstance(label, bytes) else str(label)
            if scores is not None:
                one.score = float(scores[row, column])
    return result


def _regress(
    model: SavedModel,
    name: str,
    signature: meta_graph_pb2.SignatureDef,
    examples: np.ndarray,
    timeout_ms: int,
) -> regression_pb2.RegressionResult:
    if "outputs" not in signature.outputs:
        raise StatusError(Code.FAILED_PRECONDITION, f"No regression outputs found in SignatureDef: {name}")
    (values,) = model.run(name, {_only_input(signature): examples}, ["outputs"], timeout_ms)
    if not (values.ndim == 1 or (values.ndim == 2 and values.shape[1] == 1)):
        raise invalid(
            f"Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got {list(values.shape)}"
        )
    if len(values) != len(examples):
        raise invalid(f"Input batch size did not match output batch size: {len(examples)} vs. {len(values)}")
    result = regression_pb2.RegressionResult()
    for value in values.reshape(-1).tolist():
        result.regressions.add(value=value)
    return result


def _check_tasks(request: inference_pb2.MultiInferenceRequest) -> None:
    names = [task.model_spec.name for task in request.tasks]
    if not names or not all(names):
        raise invalid("Found ModelSpec with an empty model name.")
    if len(set(names)) > 1:
        raise invalid("All ModelSpecs in a MultiInferenceRequest must access the same model name.")


def _signature(model: SavedModel, spec: model_pb2.ModelSpec, complaint: str) -> tuple[str, meta_graph_pb2.SignatureDef]:
    name = spec.signature_name or DEFAULT_SIGNATURE
    signature = model.signature(name)
    if signature is None:
        raise invalid(complaint + name)
    return name, signature


def _only_input(signature: meta_graph_pb2.SignatureDef) -> str:
    if len(signature.inputs) != 1:
        raise invalid("Expected one input Tensor.")
    if "inputs" not in signature.inputs:
        raise StatusError(Code.FAILED_PRECONDITION, "No classification or regression inputs found in SignatureDef")
    return "inputs"


def _fill_spec(spec: model_pb2.ModelSpec, asked: model_pb2.ModelSpec, version: int) -> None:
    spec.name = asked.name
    spec.signature_name = asked.signature_name or DEFAULT_SIGNATURE
    spec.version.value = version
