"""The server's REST side: TensorFlow Serving's own cases."""

from __future__ import annotations

import httpx
import pytest

pytestmark = pytest.mark.tf

TWO = "saved_model_half_plus_two_2_versions"


@pytest.fixture(scope="module")
def rest(start_server, serving_fixtures, write_version, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    (folder / "default").mkdir()
    write_version(serving_fixtures / TWO / "00000123", folder / "default" / "00000123")
    config = folder / "models.config"
    config.write_text(
        f"""model_config_list {{
          config {{ name: "default" base_path: "{folder / "default"}" model_platform: "tensorflow" }}
          config {{
            name: "two words" base_path: "{serving_fixtures / TWO}" model_platform: "tensorflow"
            model_version_policy {{ all {{}} }}
            version_labels {{ key: "stable" value: 123 }}
          }}
          config {{ name: "bad" base_path: "{serving_fixtures / "bad_half_plus_two"}" model_platform: "tensorflow" }}
        }}"""
    )
    server = start_server(model_config_file=config)
    with httpx.Client(base_url=f"http://127.0.0.1:{server.rest_port}", timeout=20) as client:
        yield client


def post(rest, path: str, body: object, **options):
    content = {"content": body} if isinstance(body, str | bytes) else {"json": body}
    response = rest.post(path, **content, **options)
    assert response.headers["content-type"] == "application/json"
    return response


def test_p13_classify(rest):
    body = {"signature_name": "classify_x_to_y", "examples": [{"x": 2.0}]}
    response = post(rest, "/v1/models/default:classify", body)
    assert (response.status_code, response.json()) == (200, {"results": [[["", 3.0]]]})


def test_p14_regress(rest):
    body = {"signature_name": "regress_x_to_y", "examples": [{"x": 2.0}, {"x": 80.0}]}
    response = post(rest, "/v1/models/default:regress", body)
    assert (response.status_code, response.json()) == (200, {"results": [3.0, 42.0]})


def test_p15_rows(rest):
    response = post(rest, "/v1/models/default:predict", {"instances": [2.0, 3.0, 4.0]})
    assert (response.status_code, response.json()) == (200, {"predictions": [3.0, 3.5, 4.0]})


def test_p16_columns(rest):
    response = post(rest, "/v1/models/default:predict", {"inputs": [2.0, 3.0, 4.0]})
    assert (response.status_code, response.json()) == (200, {"outputs": [3.0, 3.5, 4.0]})


def test_p17_status(rest):
    response = rest.get("/v1/models/default")
    assert response.status_code == 200
    assert response.json() == {
        "model_version_status": [
            {"version": "123", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
        ]
    }


def _tensor(name: str, dtype: str, sizes: list[str] | None) -> dict:
    dims = [{"size": size, "name": ""} for size in sizes or []]
    return {"dtype": dtype, "tensor_shape": {"dim": dims, "unknown_rank": sizes is None}, "name": name}


def test_p18_metadata(rest):
    column = ["-1", "1"]
    examples = {"inputs": _tensor("tf_example:0", "DT_STRING", None)}
    floats = {"inputs": _tensor("x2:0", "DT_FLOAT", column)}

    def signature(method: str, inputs: dict, output: str, tensor: str) -> dict:
        return {
            "inputs": inputs,
            "outputs": {output: _tensor(tensor, "DT_FLOAT", column)},
            "method_name": f"tensorflow/serving/{method}",
            "defaults": {},
        }

    response = rest.get("/v1/models/default/metadata")
    assert response.status_code == 200
    assert response.json() == {
        "model_spec": {"name": "default", "signature_name": "", "version": "123"},
        "metadata": {
            "signature_def": {
                "signature_def": {
                    "serving_default": signature("predict", {"x": _tensor("x:0", "DT_FLOAT", column)}, "y", "y:0"),
                    "classify_x_to_y": signature("classify", examples, "scores", "y:0"),
                    "classify_x2_to_y3": signature("classify", floats, "scores", "y3:0"),
                    "regress_x_to_y": signature("regress", examples, "outputs", "y:0"),
                    "regress_x_to_y2": signature("regress", examples, "outputs", "y2:0"),
                    "regress_x2_to_y3": signature("regress", floats, "outputs", "y3:0"),
                }
            }
        },
    }


def test_two_dimensions(rest):
    body = {"instances": [[1.0, 2.0], [3.0, 4.0]], "signature_name": "serving_default"}
    response = post(rest, "/v1/models/default:predict", body)
    assert response.json() == {"predictions": [[2.5, 3.0], [3.5, 4.0]]}


@pytest.mark.parametrize("which", ["", "/versions/123", "/versions/00124", "/labels/stable"])
def test_by_version_and_label(rest, which):
    assert post(rest, f"/v1/models/two%20words{which}:predict", {"instances": [1]}).json() == {"predictions": [2.5]}
    status = rest.get(f"/v1/models/two%20words{which}").json()["model_version_status"]
    versions = {"": ["124", "123"], "/versions/00124": ["124"]}.get(which, ["123"])
    assert [s["version"] for s in status] == versions
    metadata = rest.get(f"/v1/models/two%20words{which}/metadata").json()
    assert metadata["model_spec"] == {"name": "two words", "signature_name": "", "version": versions[0]}


def test_paths_are_case_insensitive(rest):
    assert rest.get("/V1/Models/default").status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/foo"),
        ("POST", "/v1/foo"),
        ("GET", "/v1/models/debug/model_name"),
        ("POST", "/v1/models"),
        ("GET", "/v1/models/foo:predict"),
        ("GET", "/v1/models/foo/version/50:predict"),
        ("POST", "/v1/models/foo/versions/HELLO:regress"),
        ("POST", "/v1/models/foo/metadata"),
        ("POST", "/v1/models/foo/label/some_label:regress"),
        ("POST", "/v1/models/foo/versions/50/labels/x:regress"),
        ("POST", "/v1/models/foo/versions/some_label:regress"),
        ("PUT", "/v1/models/default"),
    ],
)
def test_malformed(rest, method, path):
    response = rest.request(method, path)
    assert response.status_code == 400
    assert response.json() == {"error": f"Malformed request: {method} {path}"}


def test_not_ours(rest):
    assert rest.get("/").status_code == 404
    assert rest.get("/v2/models/default").status_code == 404


@pytest.mark.parametrize(
    ("path", "code", "message"),
    [
        ("/v1/models", 400, "Missing model name in request."),
        (
            "/v1/models/default/versions/18446744073709551615",
            400,
            "Failed to convert version: 18446744073709551615 to numeric.",
        ),
        ("/v1/models/unknown", 404, "Could not find any versions of model unknown"),
        ("/v1/models/default/versions/50", 404, "Could not find version 50 of model default"),
        ("/v1/models/default/labels/x", 400, "Unrecognized servable version label: x"),
        ("/v1/models/unknown/metadata", 404, "Servable not found for request: Latest(unknown)"),
        ("/v1/models/a%zz", 400, "Failed to decode model name: a%zz"),
    ],
)
def test_get_refusals(rest, path, code, message):
    response = rest.get(path)
    assert (response.status_code, response.json()) == (code, {"error": message})


@pytest.mark.parametrize(
    ("path", "body", "code", "words"),
    [
        ("default:predict", "", 400, "JSON Parse error: The document is empty"),
        ("default:predict", "instances = [1, 2]", 400, "JSON Parse error: Invalid value. at offset: 0"),
        ("default:predict", '{"instances": ["x", "y"]}', 400, "is not of expected type: float"),
        ("default:predict", '{"signature_name": 100}', 400, "'signature_name' key must be a string value."),
        ("default:predict", '{"instances": [1], "signature_name": "X"}', 400,
         'Serving signature name: "X" not found in signature def'),
        ("unknown:predict", '{"instances": [1]}', 404, "Servable not found for request: Latest(unknown)"),
        ("default99:predict", '{"instances": [1]}', 404, "Servable not found for request: Latest(default99)"),
        ("default/versions/50:predict", '{"instances": [1]}', 404,
         "Servable not found for request: Specific(default, 50)"),
        ("bad:predict", '{"instances": [1]}', 404, "Servable not found for request: Latest(bad)"),
        ("default:regress", '{"signature_name": "X", "examples": [{"x": 1.0}]}', 400,
         "No signature was found with the name: X"),
        ("default:classify", '{"instances": [1]}', 400,
         "When method is classify, key 'examples' is expected and was not found"),
    ],
)  # fmt: skip
def test_post_refusals(rest, path, body, code, words):
    response = post(rest, f"/v1/models/{path}", body)
    assert response.status_code == code
    assert words in response.json()["error"]


def test_bad_model_ends_with_its_error(rest):
    (status,) = rest.get("/v1/models/bad").json()["model_version_status"]
    assert (status["version"], status["state"], status["status"]["error_code"]) == ("123", "END", "NOT_FOUND")
    assert "Could not find SavedModel .pb" in status["status"]["error_message"]


def test_infinite_values(rest):
    response = post(rest, "/v1/models/default:predict", '{"instances": [NaN, Infinity, -Infinity]}')
    assert response.text == '{\n    "predictions": [NaN, Infinity, -Infinity\n    ]\n}'
