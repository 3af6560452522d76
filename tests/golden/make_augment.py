"""What torchvision's augmentations make of small pictures, its magnitudes, and the statistics of what it draws.

Run with a Python that has torchvision and Pillow 13 or later:

    python tests/golden/make_augment.py

Writes tests/golden/augment/: the pictures, expected.bin (8-bit RGB, one case after the other), cases.txt, one line a
case (`picture operation numbers...`; the operations and their numbers are those of run_case in tests/c/test_augment.c),
magnitudes.txt (`policy operation bin bins width height value`) and draws.txt (statistics over many draws with a fixed
seed: `kind width height scale_low scale_high mean_x mean_y mean_width mean_height sd_x sd_y sd_width sd_height whole`,
where `whole` is the part of draws that equals the commonest one, which is the fallback where it is large).
"""
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torchvision.transforms import InterpolationMode, RandomErasing, RandomResizedCrop
from torchvision.transforms import RandAugment, TrivialAugmentWide
from torchvision.transforms import functional as F
from torchvision.transforms.autoaugment import _apply_op

from make_images import picture

FOLDER = Path(__file__).parent / "augment"
MODES = [InterpolationMode.NEAREST, InterpolationMode.BILINEAR]
FILTERS = [InterpolationMode.BILINEAR, InterpolationMode.BICUBIC]
DRAWS = 20000


def pictures():
    gray = np.repeat(picture(25, 25, 3)[:, :, :1], 3, axis=2)
    dull = (picture(32, 24, 2, 4) // 4 + 70).astype(np.uint8)  # a narrow histogram, for autocontrast and equalize
    made = {
        "photo": picture(32, 24, 1),
        "dull": dull,
        "gray": gray,
        "thin": picture(2, 9, 4),
        "colors": np.random.RandomState(5).randint(0, 256, (20, 20, 3)).astype(np.uint8),
    }
    for name, values in made.items():
        Image.fromarray(values).save(FOLDER / f"{name}.png")
    return {name: Image.fromarray(values) for name, values in made.items()}


def jitter(image, order, factors):
    change = [F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue]
    for kind in order:
        image = change[kind](image, factors[kind])
    return image


def cases():
    """(picture, operation, numbers, function)"""
    for name in ["photo", "dull", "gray", "thin"]:
        for factor in [0.0, 0.37, 1.0, 1.8]:
            yield name, "brightness", [factor], lambda i, f: F.adjust_brightness(i, f)
            yield name, "contrast", [factor], lambda i, f: F.adjust_contrast(i, f)
            yield name, "saturation", [factor], lambda i, f: F.adjust_saturation(i, f)
            yield name, "sharpness", [factor], lambda i, f: F.adjust_sharpness(i, f)
        for op in ["autocontrast", "equalize", "invert", "flip"]:
            yield name, op, [], {"flip": F.hflip}.get(op) or getattr(F, op)
    for turn in [-0.5, -0.2, -0.01, 0.0, 0.1, 0.33, 0.5]:
        yield "photo", "hue", [turn], lambda i, t: F.adjust_hue(i, t)
        yield "colors", "hue", [turn], lambda i, t: F.adjust_hue(i, t)
    for bits in [1, 3, 4, 8]:
        yield "photo", "posterize", [bits], lambda i, b: F.posterize(i, int(b))
    for threshold in [0.0, 127.5, 178.0, 255.0, 256.0]:
        yield "photo", "solarize", [threshold], lambda i, t: F.solarize(i, t)
    for name in ["photo", "gray", "thin"]:
        for degrees in [0, 9.5, -30, 45, 90, 180, -180, 217.3, 360]:
            for mode in [0, 1]:
                fill = [0, 0, 0] if degrees < 0 else [255, 128, 7]
                yield name, "rotate", [degrees, mode, *fill], lambda i, d, m, *f: F.rotate(
                    i, d, MODES[int(m)], fill=list(f))
    for crop in [(0, 0, 32, 24, 17), (5, 3, 20, 11, 24), (31, 23, 1, 1, 8), (10, 0, 7, 24, 20), (1, 2, 28, 21, 5)]:
        for which in [0, 1]:
            x, y, width, height, size = crop
            yield "photo", "resized_crop", [*crop, which], lambda i, x, y, w, h, s, f: F.resized_crop(
                i, int(y), int(x), int(h), int(w), [int(s), int(s)], FILTERS[int(f)])
    orders = [(0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2)]
    for order in orders:
        factors = [1.3, 0.7, 1.6, -0.08]
        yield "photo", "jitter", [*order, *factors], lambda i, *n: jitter(i, [int(k) for k in n[:4]], n[4:])
    for policy, name, space in spaces(24, 32, 31):
        magnitudes, signed = space
        magnitude = float(magnitudes[9 if policy == 0 else 22]) if magnitudes.ndim else 0.0
        for sign in [1, -1] if signed else [1]:
            for mode in [0, 1]:
                yield "photo", "effect", [OPS.index(name), sign * magnitude, mode, 10, 200, 90], lambda i, o, m, b, *f: (
                    _apply_op(i, OPS[int(o)], m, MODES[int(b)], list(f)))


OPS = list(RandAugment()._augmentation_space(31, (1, 1)))


def spaces(height, width, bins):
    for name, space in RandAugment()._augmentation_space(bins, (height, width)).items():
        yield 0, name, space
    for name, space in TrivialAugmentWide()._augmentation_space(bins).items():
        yield 1, name, space


def magnitudes():
    with open(FOLDER / "magnitudes.txt", "w") as out:
        for height, width, bins in [(224, 224, 31), (300, 331, 10), (30, 40, 2)]:
            for policy, name, (values, _) in spaces(height, width, bins):
                for number in range(bins):
                    value = float(values[number]) if values.ndim else 0.0
                    print(policy, OPS.index(name), number, bins, width, height, repr(value), file=out)


def statistics(kind, width, height, scale, draw):
    boxes = [draw() for _ in range(DRAWS)]
    values = np.array(boxes, dtype=float)
    whole = Counter(boxes).most_common(1)[0][1] / DRAWS
    return [kind, width, height, *scale, *values.mean(0), *values.std(0), whole]


def draws():
    torch.manual_seed(1)
    rows = []
    for width, height, scale in [(400, 300, (0.08, 1.0)), (300, 400, (0.5, 1.0)), (1000, 60, (0.08, 1.0)), (9, 9, (0.3, 0.9))]:
        blank = torch.zeros(3, height, width)

        def crop():
            y, x, h, w = RandomResizedCrop.get_params(blank, list(scale), [3 / 4, 4 / 3])
            return x, y, w, h

        rows.append(statistics("crop", width, height, scale, crop))
    for width, height, scale in [(224, 224, (0.02, 0.33)), (90, 40, (0.2, 0.5))]:
        blank = torch.zeros(3, height, width)

        def erase():
            y, x, h, w, _ = RandomErasing.get_params(blank, scale, (0.3, 3.3), [0.0])
            return (0, 0, 0, 0) if (h, w) == (height, width) else (x, y, w, h)

        rows.append(statistics("erase", width, height, scale, erase))
    with open(FOLDER / "draws.txt", "w") as out:
        for row in rows:
            print(*row, file=out)


def main():
    FOLDER.mkdir(exist_ok=True)
    images = pictures()
    with open(FOLDER / "cases.txt", "w") as names, open(FOLDER / "expected.bin", "wb") as expected:
        for name, operation, numbers, function in cases():
            made = function(images[name], *numbers)
            print(name, operation, *numbers, file=names)
            expected.write(np.asarray(made.convert("RGB")).tobytes())
    magnitudes()
    draws()


if __name__ == "__main__":
    main()
