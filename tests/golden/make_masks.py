#!/usr/bin/env python3
"""Masks as pycocotools 2.0 draws them: tests/golden/masks.txt, a case a line, for tests/c/test_mask.c.

   polygons WIDTH HEIGHT POLYGONS (NUMBERS x y x y ...)... TEXT      all that lies in one of the polygons
   runs WIDTH HEIGHT TEXT RUNS run run ...                          what the text says

Needs pycocotools and numpy."""
import random

import numpy as np
from pycocotools import mask as coco


def polygon(draw, width, height):
    """Corners round a point, some of them outside of the photo; now and then the same one twice."""
    at = (draw.uniform(0, width), draw.uniform(0, height))
    corners = []
    for _ in range(draw.choice([3, 4, 5, 9, 30])):
        x = at[0] + draw.gauss(0, width / 3)
        y = at[1] + draw.gauss(0, height / 3)
        x, y = min(max(x, -width), 2 * width), min(max(y, -height), 2 * height)
        digits = draw.choice([0, 1, 2, 2, 6])
        corners += [round(x, digits), round(y, digits)] * draw.choice([1, 1, 1, 1, 2])
    return [float(f"{number:.6f}") for number in corners]


def polygons_line(draw):
    width, height = draw.randint(1, 60), draw.randint(1, 60)
    polygons = [polygon(draw, width, height) for _ in range(draw.choice([1, 1, 1, 2, 3]))]
    merged = coco.merge(coco.frPyObjects(polygons, height, width))
    texts = [f"{len(p)} " + " ".join(map(repr, p)) for p in polygons]
    return f"polygons {width} {height} {len(polygons)} {' '.join(texts)} {merged['counts'].decode()}"


def runs_line(draw):
    width, height = draw.randint(1, 120), draw.randint(1, 120)
    noise = np.array([[draw.random() for _ in range(width // 8 + 1)] for _ in range(height // 8 + 1)])
    picture = np.kron(noise, np.ones((8, 8)))[:height, :width] < draw.choice([0, 0.1, 0.5, 0.9, 1])
    coded = coco.encode(np.asfortranarray(picture.astype(np.uint8)))
    runs, last = [0], 0
    for pixel in picture.astype(int).flatten(order="F"):
        if pixel != last:
            runs.append(0)
        runs[-1] += 1
        last = pixel
    return f"runs {width} {height} {coded['counts'].decode()} {len(runs)} {' '.join(map(str, runs))}"


def main():
    draw = random.Random(21)
    lines = [polygons_line(draw) for _ in range(100)] + [runs_line(draw) for _ in range(20)]
    with open("tests/golden/masks.txt", "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
