"""The pictures that make_images.py and make_readers.py put into files."""
import struct

import numpy as np
from PIL import Image


def picture(width, height, seed, noise=24):
    """Gradients, a bright disc, hard stripes and some noise; (height, width, 3) uint8."""
    rng = np.random.RandomState(seed)
    y, x = np.mgrid[0:height, 0:width].astype(float)
    u, v = x / max(width - 1, 1), y / max(height - 1, 1)
    rgb = np.stack([255 * u, 255 * v, 255 * (1 - u) * (1 - v)], -1)
    rgb[(u - 0.6) ** 2 + (v - 0.4) ** 2 < 0.06] = (250, 240, 30)
    rgb[(x // 3 + y // 5) % 7 == 0] *= 0.3
    return np.clip(rgb + rng.normal(0, noise, rgb.shape), 0, 255).astype(np.uint8)


def alpha(width, height):
    y, x = np.mgrid[0:height, 0:width]
    return ((x * 7 + y * 3) % 256).astype(np.uint8)


def exif(orientation, order="II"):
    mark = "<" if order == "II" else ">"
    entry = struct.pack(mark + "HHIHH", 0x0112, 3, 1, orientation, 0)
    return b"Exif\0\0" + order.encode() + struct.pack(mark + "HIH", 42, 8, 1) + entry + struct.pack(mark + "I", 0)


def wide(values):
    """16-bit samples whose low bytes are not zero."""
    low = (values.astype(np.uint16) * 37 + 11) % 256
    return values.astype(np.uint16) * 256 + low


def on_white(image):
    """As RGB, what is transparent on white."""
    if "A" in image.getbands() or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGB", rgba.size, (255, 255, 255))
        white.paste(rgba, mask=rgba.getchannel("A"))
        return white
    return image.convert("RGB")
