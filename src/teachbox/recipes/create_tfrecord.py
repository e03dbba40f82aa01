"""create-tfrecord: boxes in a CSV file and their images as one TFRecord file."""

from __future__ import annotations

from pathlib import Path

from teachbox.recipes.recipe import Arg, command


@command(
    "create-tfrecord",
    csv_input=Arg("--csv-input", help="CSV file: path,xmin,ymin,xmax,ymax,label or filename,width,height,class,…"),
    label_map_path=Arg("--label-map-path", help="label_map.pbtxt"),
    output_path=Arg("--output-path", help="TFRecord file to write"),
    base_path=Arg("--base-path", help="folder that the paths in the CSV file start from"),
)
def create_tfrecord(csv_input: Path, label_map_path: Path, output_path: Path, base_path: Path | None = None) -> None:
    """Write the images that a CSV file names, with their boxes, as a TFRecord file of tf.Examples.

    The options may be written with underscores too (--csv_input).
    """
    from teachbox.data import csv_records

    summary = csv_records.create_tfrecord(csv_input, label_map_path, output_path, base_path)
    print(f"Successfully created the TFRecords: {output_path} ({summary.images} images, {summary.boxes} boxes)")
