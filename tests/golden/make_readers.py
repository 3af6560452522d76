"""Small WebP, TIFF, HEIC and AVIF files, and what Pillow makes of them.

Run with a Python that has numpy, Pillow 13 and pillow-heif 0.22 (the last that reads AVIF; libavif, which Pillow itself
reads that with, spreads half of the colours in another way):

    python tests/golden/make_readers.py

Writes tests/golden/readers/: the files, expected.bin (8-bit RGB, one picture after the other) and cases.txt, one line a
picture:

    file kind tolerance width height

tolerance: gray levels, 0 where decoding is exact, 1 for JPEG inside (decoders may differ in the last bit), 3 for HEIC and AVIF
(libraries round the way from brightness and colour to RGB differently). Expected are upright pictures on white, of 16 bits the
high byte, as in make_images.py.
"""
import io
import struct
from pathlib import Path

import numpy as np
import pillow_heif
from PIL import Image, ImageOps, TiffImagePlugin

from make_pictures import alpha, exif, on_white, picture, wide

FOLDER = Path(__file__).parent / "readers"
TURNS = {"turned2": Image.Transpose.FLIP_LEFT_RIGHT, "turned5": Image.Transpose.TRANSPOSE,
         "turned6": Image.Transpose.ROTATE_270}
pillow_heif.register_heif_opener()


def webps():
    photo = Image.fromarray(picture(61, 47, 21))
    see_through = Image.merge("RGBA", [*photo.split(), Image.fromarray(alpha(61, 47))])
    photo.save(FOLDER / "lossy.webp", quality=80)
    photo.save(FOLDER / "lossless.webp", lossless=True)
    see_through.save(FOLDER / "alpha_lossy.webp", quality=80)
    see_through.save(FOLDER / "alpha_lossless.webp", lossless=True, exact=True)
    see_through.save(FOLDER / "animated.webp", save_all=True, append_images=[see_through.rotate(180)], duration=100, lossless=True)
    photo.save(FOLDER / "animated_lossy.webp", save_all=True, append_images=[photo.rotate(180)], duration=100)
    small = Image.fromarray(picture(20, 14, 22))
    for orientation in (3, 6):
        small.save(FOLDER / f"exif{orientation}.webp", lossless=True, exif=exif(orientation, "MM"))
    small.convert("L").save(FOLDER / "gray.webp", lossless=True)


def tiffs():
    rgb = picture(53, 41, 23)
    photo, see_through = Image.fromarray(rgb), Image.fromarray(alpha(53, 41))
    rgba = Image.merge("RGBA", [*photo.split(), see_through])

    def save(name, image, **options):
        image.save(FOLDER / f"{name}.tif", **options)

    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"):
        save(f"rgb_{compression}", photo, compression=compression)
    save("jpeg", photo, compression="jpeg", quality=90)
    save("gray_jpeg", photo.convert("L"), compression="jpeg", quality=90)
    save("gray", photo.convert("L"))
    save("bits", photo.convert("1"), compression="group4")
    save("bits_raw", photo.convert("1"))
    save("palette", photo.quantize(64), compression="tiff_lzw")
    save("cmyk", photo.convert("CMYK"), compression="tiff_lzw")
    save("rgba", rgba)
    save("gray_alpha", Image.merge("LA", [photo.convert("L"), see_through]))
    save("predictor", photo, compression="tiff_lzw", tiffinfo={317: 2})
    save("strips", photo, tiffinfo={TiffImagePlugin.ROWSPERSTRIP: 7}, compression="tiff_adobe_deflate", strip_size=1000)
    save("pages", photo, save_all=True, append_images=[photo.rotate(180)])
    for orientation in range(2, 9):
        save(f"turned{orientation}", Image.fromarray(picture(20, 14, 24)), tiffinfo={274: orientation})
    write_tiffs(rgb)


def write_tiffs(rgb):
    """What Pillow does not write: big-endian, 16 bits, tiles, planes, inverted, few bits, associated alpha, 64-bit offsets."""
    gray, wide_rgb, see_through = rgb[:, :, :1], wide(rgb), alpha(53, 41)[:, :, None]
    premultiplied = (rgb.astype(int) * see_through // 255).astype(np.uint8)
    for order in "<>":
        end = "little" if order == "<" else "big"
        write_tiff(f"rgb16_{end}", wide_rgb, 2, 16, order)
        write_tiff(f"gray16_{end}", wide(gray), 1, 16, order)
        write_tiff(f"rgb8_{end}", rgb, 2, 8, order)
    write_tiff("inverted", gray, 0, 8)
    write_tiff("tiles", rgb, 2, 8, tile=(32, 16))
    write_tiff("tiles16", wide_rgb, 2, 16, ">", tile=(16, 32))
    write_tiff("planes", rgb, 2, 8, planes=True)
    write_tiff("tiled_planes", rgb, 2, 8, planes=True, tile=(16, 16))
    write_tiff("associated", np.dstack([premultiplied, see_through]), 2, 8, extra=[1])
    write_tiff("unassociated", np.dstack([rgb, see_through]), 2, 8, extra=[2])
    write_tiff("spare", np.dstack([rgb, see_through]), 2, 8, extra=[0])
    write_tiff("gray4", gray >> 4, 1, 4)
    write_tiff("gray2", gray >> 6, 1, 2)
    write_tiff("big", rgb, 2, 8, big=True)


def refused():
    """TIFFs that are not read: each is told as what it is."""
    photo = picture(20, 14, 28)
    Image.fromarray(photo[:, :, 0].astype(np.float32)).save(FOLDER / "refused_float.tif")
    Image.fromarray(photo[:, :, 0].astype(np.int32)).save(FOLDER / "refused_signed.tif")
    Image.fromarray(photo).convert("LAB").save(FOLDER / "refused_lab.tif")
    write_tiff("refused_raw", photo, 2, 8, others={254: (4, [1]), 330: (4, [8])})
    write_tiff("refused_sensor", photo[:, :, :1], 32803, 16)


def pack(block, bits, order):
    if bits == 16:
        return block.astype(order + "u2").tobytes()
    if bits == 8:
        return block.astype(np.uint8).tobytes()
    rows = b""
    for row in block.reshape(block.shape[0], -1):
        spread = np.unpackbits(row.astype(np.uint8)[:, None], axis=1)[:, 8 - bits:].ravel()
        rows += np.packbits(spread).tobytes()
    return rows


def write_tiff(name, values, photometric, bits, order="<", tile=None, planes=False, extra=(), big=False, others=None):
    height, width, samples = values.shape
    layers = [values[:, :, [c]] for c in range(samples)] if planes else [values]
    blocks = []
    for layer in layers:
        if not tile:
            blocks.append(pack(layer, bits, order))
            continue
        across, down = tile
        for y in range(0, height, down):
            for x in range(0, width, across):
                part = np.zeros((down, across, layer.shape[2]), layer.dtype)
                cut = layer[y:y + down, x:x + across]
                part[:cut.shape[0], :cut.shape[1]] = cut
                blocks.append(pack(part, bits, order))
    offset_type, offset_mark = (16, "Q") if big else (4, "I")
    head = 16 if big else 8
    offsets = [head + sum(map(len, blocks[:i])) for i in range(len(blocks))]
    sizes = [len(b) for b in blocks]
    tags = {256: (4, [width]), 257: (4, [height]), 258: (3, [bits] * samples), 259: (3, [1]), 262: (3, [photometric]),
            277: (3, [samples]), 284: (3, [2 if planes else 1])}
    if tile:
        tags |= {322: (3, [tile[0]]), 323: (3, [tile[1]]), 324: (offset_type, offsets), 325: (4, sizes)}
    else:
        tags |= {273: (offset_type, offsets), 278: (4, [height]), 279: (4, sizes)}
    if extra:
        tags[338] = (3, list(extra))
    tags |= others or {}
    directory = head + sum(sizes)
    behind = directory + (8 + 20 * len(tags) + 8 if big else 2 + 12 * len(tags) + 4)
    entries, rest = b"", b""
    for tag in sorted(tags):
        kind, numbers = tags[tag]
        data = b"".join(struct.pack(order + {3: "H", 4: "I", 16: "Q"}[kind], n) for n in numbers)
        inline = 8 if big else 4
        entries += struct.pack(order + "HH" + offset_mark, tag, kind, len(numbers))
        if len(data) <= inline:
            entries += data.ljust(inline, b"\0")
        else:
            entries += struct.pack(order + offset_mark, behind + len(rest))
            rest += data
    mark = b"II" if order == "<" else b"MM"
    start = struct.pack(order + "HHHQ", 43, 8, 0, directory) if big else struct.pack(order + "HI", 42, directory)
    count = struct.pack(order + ("Q" if big else "H"), len(tags))
    body = mark + start + b"".join(blocks) + count + entries + struct.pack(order + offset_mark, 0) + rest
    (FOLDER / f"{name}.tif").write_bytes(body)


def heifs():
    photo = Image.fromarray(picture(64, 48, 25))
    see_through = Image.merge("RGBA", [*photo.split(), Image.fromarray(alpha(64, 48))])
    for kind, half, full in (("heic", {"chroma": 420}, {"chroma": 444}), ("avif", {"subsampling": "4:2:0"}, {"subsampling": "4:4:4"})):
        photo.save(FOLDER / f"plain.{kind}", quality=90, **half)
        photo.save(FOLDER / f"full.{kind}", quality=90, **full)
        photo.convert("L").save(FOLDER / f"gray.{kind}", quality=90)
        Image.fromarray(picture(33, 21, 26)).save(FOLDER / f"odd.{kind}", quality=90, **half)
        see_through.save(FOLDER / f"alpha.{kind}", quality=90, **half)
        for orientation in (2, 5, 6):
            turned(photo, FOLDER / f"turned{orientation}.{kind}", orientation, half)
    wide_photo = (picture(64, 48, 27).astype(np.uint16) * 257).tobytes()
    pillow_heif.from_bytes("RGB;16", (64, 48), wide_photo).save(FOLDER / "ten_bits.heic", quality=90)


def turned(image, path, orientation, options):
    """Turned by a box of the file, which the writers make of EXIF; HEIC keeps that too, which is not to be heard."""
    image.save(path, quality=90, exif=exif(orientation), **options)
    data = path.read_bytes()
    assert b"irot" in data or b"imir" in data
    assert path.suffix == ".avif" or exif(orientation)[6:] in data


def upright(path):
    """RGB as scute sees it; the boxes of HEIC and AVIF are applied by their library."""
    if path.suffix in (".heic", ".avif") and path.stem in TURNS:  # which pillow-heif 0.22 gets wrong
        image = pillow_heif.open_heif(FOLDER / f"plain{path.suffix}").to_pillow().transpose(TURNS[path.stem])
    elif path.suffix in (".heic", ".avif"):
        image = pillow_heif.open_heif(path).to_pillow()
    else:
        image = ImageOps.exif_transpose(Image.open(path))
    if image.mode.startswith("I"):
        image = Image.fromarray((np.asarray(image).astype(np.int64) >> 8).astype(np.uint8))
    if image.mode == "RGBa":
        image = image.convert("RGBA")
    return on_white(image)


def tolerance_of(path):
    if path.suffix in (".heic", ".avif"):
        return 3
    return 1 if "jpeg" in path.name else 0


def main():
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    webps()
    tiffs()
    heifs()
    kinds = {".webp": "WebP", ".tif": "TIFF", ".heic": "HEIC", ".avif": "AVIF"}
    lines, data = [], io.BytesIO()
    read = sorted(FOLDER.iterdir())
    refused()
    for path in read:
        pixels = np.asarray(upright(path))
        lines.append(f"{path.name} {kinds[path.suffix]} {tolerance_of(path)} {pixels.shape[1]} {pixels.shape[0]}")
        data.write(np.ascontiguousarray(pixels).tobytes())
    (FOLDER / "expected.bin").write_bytes(data.getvalue())
    (FOLDER / "cases.txt").write_text("\n".join(lines) + "\n")
    print(f"{len(lines)} files, {data.tell()} bytes expected; Pillow {Image.__version__}, pillow-heif {pillow_heif.__version__}")


if __name__ == "__main__":
    main()
