"""Small photos of every kind that scute reads, and what torchvision makes of them.

Run with a Python that has torchvision and Pillow 13 or later (its resize takes tall images columns first):

    python tests/golden/make_images.py

Writes tests/golden/images/: the pictures, expected.bin (8-bit RGB, one case after the other) and cases.txt, one line a
case:

    file pad resize crop filter tolerance width height

pad: 1 centers the picture on a white square first; resize and crop: pixels, 0 for none, as in torchvision's Resize and
CenterCrop; filter: bilinear or bicubic; tolerance: gray levels, 0 where the format is lossless, 1 for JPEG (decoders
may differ in the last bit of the inverse cosine transform; Pillow brings its own libjpeg-turbo); width and height: of
the expected picture. Reproducible: the same versions write the same bytes.
"""
import io
import struct
from pathlib import Path

import numpy as np
import torchvision
from PIL import Image, ImageOps
from torchvision.transforms import CenterCrop, InterpolationMode, Resize

from make_pictures import alpha, exif, on_white, picture, wide

FOLDER = Path(__file__).parent / "images"
FILTERS = {"bilinear": InterpolationMode.BILINEAR, "bicubic": InterpolationMode.BICUBIC}


def jpegs():
    photo = Image.fromarray(picture(96, 72, 1))
    photo.save(FOLDER / "baseline.jpg", quality=85)
    photo.save(FOLDER / "progressive.jpg", quality=85, progressive=True)
    photo.save(FOLDER / "full_chroma.jpg", quality=95, subsampling=0)
    photo.convert("L").save(FOLDER / "gray.jpg", quality=85)
    photo.convert("CMYK").save(FOLDER / "cmyk.jpg", quality=85)
    # The same four components marked as YCCK (transform 2 in Adobe's segment).
    data = (FOLDER / "cmyk.jpg").read_bytes()
    at = data.index(b"Adobe")
    (FOLDER / "ycck.jpg").write_bytes(data[: at + 11] + b"\2" + data[at + 12 :])
    Image.fromarray(picture(640, 480, 2, 6)).save(FOLDER / "photo.jpg", quality=80)
    small = Image.fromarray(picture(50, 30, 3, 4))
    for orientation in range(1, 9):
        small.save(FOLDER / f"exif{orientation}.jpg", quality=75, exif=exif(orientation))
    small.save(FOLDER / "exif6_big_endian.jpg", quality=75, exif=exif(6, "MM"))
    small.save(FOLDER / "exif_senseless.jpg", quality=75, exif=exif(9))
    small.save(FOLDER / "exif_broken.jpg", quality=75, exif=b"Exif\0\0II*\0\xff\xff\xff\x7f")


def pngs():
    rgb = picture(70, 60, 4)
    photo, see_through = Image.fromarray(rgb), Image.fromarray(alpha(70, 60))
    photo.save(FOLDER / "rgb.png")
    photo.convert("L").save(FOLDER / "gray.png")
    photo.convert("1").save(FOLDER / "bits.png")
    Image.merge("LA", [photo.convert("L"), see_through]).save(FOLDER / "gray_alpha.png")
    Image.merge("RGBA", [*photo.split(), see_through]).save(FOLDER / "rgba.png")
    palette = photo.quantize(64)
    palette.save(FOLDER / "palette.png")
    palette.save(FOLDER / "palette_alpha.png", transparency=bytes(range(0, 256, 4)))
    photo.quantize(4).save(FOLDER / "palette2bit.png", bits=2)
    gray = np.asarray(photo.convert("L"))
    Image.fromarray(gray).save(FOLDER / "gray_key.png", transparency=int(gray[10, 10]))
    write_png(FOLDER / "rgb16.png", wide(rgb), 2, 16)
    write_png(FOLDER / "gray16.png", wide(rgb[:, :, :1]), 0, 16)
    write_png(FOLDER / "rgba16.png", wide(np.dstack([rgb, alpha(70, 60)])), 6, 16)
    write_png(FOLDER / "interlaced.png", rgb, 2, 8, interlaced=True)
    Image.fromarray(picture(1, 1, 5)).save(FOLDER / "one_pixel.png")
    Image.fromarray(picture(20, 14, 6)).save(FOLDER / "tiny.png")
    Image.fromarray(picture(500, 3, 7)).save(FOLDER / "wide.png")
    Image.fromarray(picture(4, 400, 8)).save(FOLDER / "tall.png")
    hard = np.random.RandomState(9).randint(0, 2, (130, 40, 3)).astype(np.uint8) * 255
    Image.fromarray(hard).save(FOLDER / "tall_hard.png")  # clips between the passes: their order shows
    Image.fromarray(picture(65, 90, 10)).save(FOLDER / "odd.png")


def write_png(path, values, color, bits, interlaced=False):
    """What Pillow cannot write: 16 bits a channel and Adam7. Unfiltered rows."""
    import zlib

    def rows(block):
        raw = block.astype(">u2" if bits == 16 else np.uint8)
        return b"".join(b"\0" + row.tobytes() for row in raw)

    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    blocks = [values[y::dy, x::dx] for y, x, dy, dx in passes] if interlaced else [values]
    data = zlib.compress(b"".join(rows(b) for b in blocks if b.size), 9)

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], bits, color, 0, 0, int(interlaced))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b""))


def bmps_and_gifs():
    photo = Image.fromarray(picture(61, 47, 11))
    photo.save(FOLDER / "rgb.bmp")
    photo.quantize(32).save(FOLDER / "palette.bmp")
    photo.convert("1").save(FOLDER / "bits.bmp")
    photo.quantize(100).save(FOLDER / "palette.gif")
    clear = photo.quantize(16)
    clear.save(FOLDER / "clear.gif", transparency=3)
    clear.save(FOLDER / "animated.gif", save_all=True, append_images=[clear.rotate(180)], duration=100)


def upright(path):
    """RGB as scute sees it: first frame, EXIF applied, transparency on white, 16 bits cut to their high byte."""
    image = Image.open(path)
    if image.mode.startswith("I"):  # Pillow's own conversion clips 16-bit gray at 255, which leaves a white picture
        image = Image.fromarray((np.asarray(image).astype(np.int64) >> 8).astype(np.uint8))
    image = ImageOps.exif_transpose(image)
    return on_white(image)


def on_square(image):
    side = max(image.size)
    square = Image.new("RGB", (side, side), (255, 255, 255))
    square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return square


def cases(names):
    for name in names:
        for kind in FILTERS:
            yield name, 0, 48, 44, kind
    for kind in FILTERS:
        yield "photo.jpg", 0, 96, 80, kind
        yield "odd.png", 0, 64, 57, kind
        yield "odd.png", 0, 33, 0, kind
        yield "odd.png", 0, 0, 40, kind
        yield "odd.png", 0, 0, 77, kind
        yield "odd.png", 1, 48, 44, kind
        yield "wide.png", 1, 32, 32, kind
        yield "tall_hard.png", 0, 37, 37, kind
        yield "tall_hard.png", 0, 37, 0, kind
        yield "one_pixel.png", 0, 0, 4, kind


def expected(name, pad, resize, crop, kind):
    image = upright(FOLDER / name)
    if pad:
        image = on_square(image)
    if resize:
        image = Resize(resize, FILTERS[kind])(image)
    if crop:
        image = CenterCrop(crop)(image)
    return np.asarray(image)


def main():
    assert int(Image.__version__.split(".")[0]) >= 13, "needs Pillow 13 or later"
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    jpegs()
    pngs()
    bmps_and_gifs()
    names = sorted(p.name for p in FOLDER.iterdir())
    lines, data = [], io.BytesIO()
    for name, pad, resize, crop, kind in cases(names):
        pixels = expected(name, pad, resize, crop, kind)
        tolerance = 1 if name.endswith(".jpg") else 0
        lines.append(f"{name} {pad} {resize} {crop} {kind} {tolerance} {pixels.shape[1]} {pixels.shape[0]}")
        data.write(np.ascontiguousarray(pixels).tobytes())
    (FOLDER / "expected.bin").write_bytes(data.getvalue())
    (FOLDER / "cases.txt").write_text("\n".join(lines) + "\n")
    print(f"{len(names)} files, {len(lines)} cases, {data.tell()} bytes expected; "
          f"torchvision {torchvision.__version__}, Pillow {Image.__version__}")


if __name__ == "__main__":
    main()
