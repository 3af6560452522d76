"""Miniatures of catalogues of animals, and what wildlife-datasets 1.0.9 reads of them: tests/golden/reid/.

   python tests/golden/make_reid_catalogue.py

Needs wildlife-datasets 1.0.9 (with pandas and pycocotools) and Pillow. Writes
   seaturtle/      SeaTurtleID2022 as it is distributed: folders, fields and categories are those of the real files; photos,
                   animals and days are made up
   wildlife10k/    metadata.csv as WildlifeReID-10k has it
   metadata/       metadata.csv of wildlife-datasets' own form, with boxes
   expected.json   the rows that wildlife-datasets reads, in its order
Photos are of 48 x 32 pixels: nothing of a real animal is in them.
"""
import csv
import json
import math
import pathlib
import random
import shutil
import string

import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask
from wildlife_datasets import datasets

HERE = pathlib.Path(__file__).parent / "reid"
WIDTH, HEIGHT = 48, 32
CATEGORIES = {"turtle": 1, "flipper": 2, "head": 3}

draw = random.Random(21)


def write_photo(path):
   """Four blocks of colour, so that no two photos are the same."""
   path.parent.mkdir(parents=True, exist_ok=True)
   blocks = np.array([[[draw.randrange(256) for _ in range(3)] for _ in range(2)] for _ in range(2)], dtype=np.uint8)
   pixels = blocks.repeat(HEIGHT // 2, 0).repeat(WIDTH // 2, 1)
   Image.fromarray(pixels).save(path, "JPEG", quality=60)


def write_csv(path, rows):
   path.parent.mkdir(parents=True, exist_ok=True)
   with open(path, "w", newline="") as file:
      writer = csv.writer(file, lineterminator="\n")
      writer.writerows(rows)


def ellipse(box):
   """A mask inside of a box, (height, width) of 0 and 1."""
   x, y, width, height = box
   rows, columns = np.mgrid[:HEIGHT, :WIDTH]
   return ((((columns + 0.5 - x) / width - 0.5) ** 2 + ((rows + 0.5 - y) / height - 0.5) ** 2) <= 0.25).astype(np.uint8)


def run_lengths(mask):
   """Uncompressed, column by column, zeros first."""
   flat, counts, value, run = mask.flatten(order="F"), [], 0, 0
   for pixel in flat.tolist():
      if pixel != value:
         counts.append(run)
         value, run = pixel, 0
      run += 1
   return {"counts": counts + [run], "size": [HEIGHT, WIDTH]}


def segmentation(box, form):
   if form == "polygon":
      x, y, width, height = box
      return [[x, y, x + width, y, x + width, y + height, x, y + height]]
   mask = run_lengths(ellipse(box))
   if form == "compressed":
      mask["counts"] = coco_mask.frPyObjects(mask, HEIGHT, WIDTH)["counts"].decode()
   return mask


def name(ending):
   return "".join(draw.choice(string.ascii_letters) for _ in range(10)) + ending


# (identity, day, sides of the heads (None: not said), ending, flippers, the three splits); ids are not in the order of the file.
TURTLES = [
   ("t001", "2010:07:19", ["left"], ".JPG", 2, ("train", "train", "train")),
   ("t001", "2010:07:19", ["right"], ".JPG", 0, ("train", "test", "train")),
   ("t001", "2012:08:02", ["left"], ".jpg", 1, ("valid", "train", "train")),
   ("t001", "2014:06:30", ["top"], ".JPG", 4, ("test", "valid", "train")),
   ("t003", "2011:06:14", ["topleft"], ".jpeg", 1, ("train", "train", "train")),
   ("t003", "2011:06:14", [], ".JPG", 2, ("train", "train", "train")),
   ("t003", "2015:07:21", ["right", "left"], ".JPG", 0, ("test", "test", "valid")),
   ("t017", "2013:09:01", [None], ".JPG", 1, ("train", "train", "train")),
   ("t017", "2016:07:07", ["topright"], ".JPG", 1, ("test", "train", "valid")),
   ("t610", "2021:08:11", ["left"], ".JPG", 2, ("", "", "test")),
]
IDS = [4, 1, 2, 3, 7, 5, 6, 10, 8, 9]
PLACES = ["front_left", "front_right", "rear_left", "rear_right"]


def make_seaturtle(root):
   data = root / "turtles-data" / "data"
   photos, rows, annotations = [], [], []
   forms = ["list", "list", "compressed", "list", "polygon"]
   for number, (identity, day, heads, ending, flippers, splits) in zip(IDS, TURTLES):
      file = f"images/{identity}/{name(ending)}"
      write_photo(data / file)
      photos.append({"id": number, "width": WIDTH, "height": HEIGHT, "file_name": file, "license": 0, "flickr_url": "",
                     "coco_url": "", "date_captured": 0})
      rows.append([number, WIDTH, HEIGHT, file, f"{day} {8 + number:02d}:{4 * number:02d}:30", identity, day, day[:4], *splits])
      parts = [("turtle", {"orientation": heads[0]} if heads and heads[0] else {})]
      parts += [("head", {"orientation": side} if side else {}) for side in heads]
      parts += [("flipper", {"location": PLACES[k]}) for k in range(flippers)]
      for category, attributes in parts:
         x, y = draw.randrange(0, 12), draw.randrange(0, 8)
         box = [float(x), float(y), float(draw.randrange(8, 36)), float(draw.randrange(6, 24))]
         form = forms[len(annotations) % len(forms)]
         annotations.append({
            "id": len(annotations) + 1, "image_id": number, "category_id": CATEGORIES[category],
            "segmentation": segmentation(box, form), "area": float(box[2] * box[3]), "bbox": box,
            "iscrowd": 0 if form == "polygon" else 1, "attributes": {**attributes, "occluded": False}})
   draw.shuffle(annotations)
   categories = [{"id": number, "name": category, "supercategory": ""} for category, number in CATEGORIES.items()]
   (data / "annotations.json").write_text(json.dumps({
      "licenses": [{"name": "", "id": 0, "url": ""}], "info": {"description": "made up"}, "categories": categories,
      "images": photos, "annotations": annotations}))
   head = ["id", "width", "height", "file_name", "timestamp", "identity", "date", "year"]
   write_csv(data / "metadata.csv", [head] + [row[:8] for row in rows])
   write_csv(data / "metadata_splits.csv", [head + ["split_closed", "split_closed_random", "split_open"]] + rows)


ANIMALS = [
   ("ATRW_12", "ATRW", "tiger", "left", "", "train"), ("ATRW_12", "ATRW", "tiger", "right", "", "test"),
   ("BelugaID_ba 7", "BelugaID", "whale", "top", "2019-07-02", "train"),
   ("BelugaID_ba 7", "BelugaID", "whale", "", "2020-06-30", "test"),
   ("LeopardID2022_x,y", "LeopardID2022", "leopard", "front", "2011-12-31", "train"),
   ("SeaStar_é", "SeaStarReID2023", "sea star", "", "", "train"),
]


def make_wildlife10k(root):
   rows = [["identity", "path", "date", "orientation", "species", "split", "dataset", "cluster_id"]]
   for k, (identity, dataset, species, side, date, split) in enumerate(ANIMALS):
      path = f"images/{dataset}/{name('.jpg')}"
      write_photo(root / path)
      rows.append([identity, path, date, side, species, split, dataset, k // 2])
   write_csv(root / "metadata.csv", rows)


SEALS = [
   (11, "fifty", "left", "2018-01-05 10:11:12", [3, 4, 20, 10]), (12, "fifty", "right", "2018-01-05 23:59:00", [0.5, 2.25, 30, 12.5]),
   (15, "unknown", "left", "2018-02-11 00:00:07", [1, 1, 40, 30]), (16, "sixty", "", "2019-02-11 12:00:00", None),
   (20, "seventy", "back", "", [10, 5, 16, 16]),
]


def make_metadata(root):
   rows = [["image_id", "identity", "path", "bbox", "date", "orientation", "species", "original_split"]]
   for number, identity, side, date, box in SEALS:
      path = f"{identity}/{name('.jpg')}"
      write_photo(root / path)
      rows.append([number, identity, path, json.dumps(box) if box else "", date, side, "seal",
                   "train" if date.startswith("2018") else "test"])
   write_csv(root / "metadata.csv", rows)


class WithBoxes(datasets.Dataset_Metadata):
   """Boxes are texts in the file, and lists in memory."""

   def modify_metadata(self, metadata):
      metadata["bbox"] = metadata["bbox"].apply(lambda text: json.loads(text) if isinstance(text, str) else text)
      return metadata


def plain(value):
   """A value of pandas as JSON has it, nothing for what is not there."""
   if isinstance(value, np.generic):
      value = value.item()
   if isinstance(value, float) and math.isnan(value):
      return None
   return value


COLUMNS = {"path": "file", "identity": "identity", "date": "date", "orientation": "side", "bbox": "box",
           "segmentation": "mask", "original_split": "split", "split": "split"}


def rows_of(dataset, masks=False):
   found = []
   for _, row in dataset.df.iterrows():
      entry = {}
      for column, key in COLUMNS.items():
         value = plain(row[column]) if column in row else None
         if key == "box" and isinstance(value, str):
            value = json.loads(value)
         if value is not None and (masks or key != "mask"):
            entry[key] = value
      found.append(entry)
   return found


def main():
   shutil.rmtree(HERE, ignore_errors=True)
   make_seaturtle(HERE / "seaturtle")
   make_wildlife10k(HERE / "wildlife10k")
   make_metadata(HERE / "metadata")
   expected = {category: rows_of(datasets.SeaTurtleID2022(str(HERE / "seaturtle"), category_name=category), category == "head")
               for category in CATEGORIES}
   expected["wildlife10k"] = rows_of(datasets.WildlifeReID10k(str(HERE / "wildlife10k")))
   expected["metadata"] = rows_of(WithBoxes(str(HERE / "metadata")))
   (HERE / "expected.json").write_text(json.dumps(expected) + "\n")


main()
