"""teach, demo, image.trainmodel up to the moment when the page would start: what they write, and what they pass on."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from teachbox.config.label_map import load_label_map
from teachbox.config.load import load_pipeline
from teachbox.config.supported import check_supported
from teachbox.errors import LabelMapError
from teachbox.recipes import arguments, recipe
from teachbox.recipes.demo import SIDE, _write_project
from teachbox.recipes.teach import teach
from teachbox.recipes.trainer_options import command_line
from teachbox.recipes.web_app import check_components
from teachbox.training.settings import TrainerSettings


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my boats").mkdir()
    for number in (1, 2):
        Image.new("RGB", (40, 30)).save(tmp_path / "my boats" / f"{number}.jpg")
    return tmp_path


def test_teach_writes_a_project_once(here, capsys):
    components = teach(images="my boats", label=["boat", "buoy"])
    check_components(components)
    folder = Path("teachbox-my-boats")
    said = capsys.readouterr().out
    assert said == f"Wrote {folder}/pipeline.config and {folder}/label_map.pbtxt: yours to change.\n"
    assert load_label_map(folder / "label_map.pbtxt").names == ["boat", "buoy"]
    assert load_pipeline(folder / "pipeline.config").message.model.ssd.num_classes == 2
    assert components["dataset"] == "my-boats"
    assert components["db"] == str(folder / "teachbox.db")
    assert [task["path"] for task in components["stream"]] == [
        str(here / f"my boats/{number}.jpg") for number in (1, 2)
    ]
    assert [label["name"] for label in components["config"]["labels"]] == ["boat", "buoy"]
    assert len({label["color"] for label in components["config"]["labels"]}) == 2

    config = folder / "pipeline.config"
    config.write_text(config.read_text() + "# mine\n")
    teach(images="my boats/", label=["buoy"])
    assert "which were there" in capsys.readouterr().out
    assert config.read_text().endswith("# mine\n")
    with pytest.raises(LabelMapError, match="has no label 'fish', only boat, buoy"):
        teach(images="my boats", label=["fish"])


def test_teach_in_a_folder_of_choice(here):
    components = teach(images="my boats/1.jpg", label=["boat"], project=here / "p")
    assert (here / "p/pipeline.config").is_file()
    assert components["dataset"] == "1"
    assert len(components["stream"]) == 1


def test_teach_evaluates_on_images_held_out_unless_the_config_has_others(here):
    def told(**options):
        settings = teach(images="my boats", label=["boat"], **options)["on_load"].__self__.settings
        return settings.run_eval, settings.eval_steps, settings.hold_out

    assert told() == (False, 50, 0.0)
    assert told(run_eval=True, eval_steps=7) == (True, 7, 0.2)
    config = Path("teachbox-my-boats/pipeline.config")
    reader = 'eval_input_reader { tf_record_input_reader { input_path: "eval.record" } }'
    config.write_text(f"{config.read_text()}\n{reader}\n")
    assert told(run_eval=True) == (True, 50, 0.0)


def test_demo_has_a_detector_that_can_be_built(tmp_path):
    _write_project(tmp_path)
    pipeline = load_pipeline(tmp_path / "pipeline.config")
    check_supported(pipeline)
    resizer = pipeline.message.model.ssd.image_resizer.fixed_shape_resizer
    assert (resizer.height, resizer.width, pipeline.message.model.ssd.num_classes) == (SIDE, SIDE, 3)
    assert load_label_map(tmp_path / "label_map.pbtxt").names == ["kite", "boat", "balloon"]


names = st.text("abc -_.", min_size=1).filter(lambda name: not name.startswith("-") and name.strip() == name)
settings = st.builds(
    TrainerSettings,
    dataset=names,
    db=names,
    config_path=names.map(Path),
    label_map_path=st.none() | names.map(Path),
    model_dir=names.map(Path),
    steps_per_epoch=st.integers(-1, 10**6),
    run_eval=st.booleans(),
    hold_out=st.floats(0, 0.5),
    use_display_name=st.booleans(),
    tf_logging_level=st.sampled_from([10, 20, 30, 40, 50]),
    idle_seconds=st.floats(0, 1e6),
    seed=st.integers(0, 2**31),
    mix=st.none() | st.just("mosaic=0.5,copy-paste"),
)


@given(settings)
def test_trainer_is_told_what_the_recipe_was_told(wanted):
    train = recipe.find("train")
    argv = command_line(wanted)
    assert argv[0] == "train"
    values = arguments.pick(train, arguments.parse(arguments.parser_for(train), argv[1:]))
    assert TrainerSettings(**values) == wanted
