"""JPEGs of 2000 x 1333 pixels with about as much in them as a camera's have: photos of the demo, enlarged over the whole picture,
a gradient of light over them, and the grain of a sensor.
Usage: photos.py SOURCE(folder of photos) FOLDER COUNT CLASSES [WIDTH HEIGHT]: FOLDER/CLASS/NUMBER.jpg
"""
import pathlib
import sys

import numpy
from PIL import Image

source, folder, count, classes = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
width, height = (int(sys.argv[5]), int(sys.argv[6])) if len(sys.argv) > 6 else (2000, 1333)
GRAIN, QUALITY = 5, 90
random = numpy.random.default_rng(0)
found = sorted(path for path in source.rglob("*.*") if path.suffix in (".png", ".jpg"))
if not found:
    sys.exit(f"no photos in {source}: run make demo first")


def photo(number):
    """Four of the demo's photos side by side, so that there are edges everywhere."""
    picture = Image.new("RGB", (width, height))
    for i in range(4):
        part = Image.open(found[(4 * number + i) % len(found)]).convert("RGBA")
        white = Image.new("RGBA", part.size, "white")
        part = Image.alpha_composite(white, part).convert("RGB").resize((width // 2, height // 2 + 1), Image.BICUBIC)
        picture.paste(part, (i % 2 * (width // 2), i // 2 * (height // 2)))
    light = numpy.linspace(0.6, 1, width)[None, :, None] * numpy.linspace(1, 0.8, height)[:, None, None]
    grain = random.normal(0, GRAIN, (height, width, 1))
    return Image.fromarray((numpy.asarray(picture) * light + grain).clip(0, 255).astype(numpy.uint8))


for number in range(count):
    path = folder / f"class{number % classes + 1}" / f"{number:04d}.jpg"
    path.parent.mkdir(parents=True, exist_ok=True)
    photo(number).save(path, quality=QUALITY)
