"""Makes tests/golden/checkpoints: small files as training programs leave them, with other objects beside the tensors. Python and
numpy write them; of torch there are only the names that a pickle has, so that it need not be installed. Run by hand; the results
are committed.

    PYTHONPATH=deps/python python tests/golden/make_checkpoints.py
"""
import argparse
import collections
import datetime
import enum
import io
import os
import pathlib
import pickle
import struct
import sys
import types
import zipfile

import numpy

HERE = pathlib.Path(__file__).parent / "checkpoints"
MAGIC = 0x1950A86A20F9469CFC6C


def stand_in(module, name):
    """A global of that name, which pickle writes down and never looks into."""
    for dot in [i for i, letter in enumerate(module) if letter == "."]:
        sys.modules.setdefault(module[:dot], types.ModuleType(module[:dot]))
    made = sys.modules.setdefault(module, types.ModuleType(module))
    thing = type(name, (), {"__module__": module})
    setattr(made, name, thing)
    return thing


REBUILD = stand_in("torch._utils", "_rebuild_tensor_v2")
STORAGES = {kind: stand_in("torch", kind + "Storage") for kind in ("Float", "Long", "Char", "ComplexFloat")}
NET = stand_in("my.turtles", "Net")
PARAMETER_WITH_STATE = stand_in("torch._utils", "_rebuild_parameter_with_state")
FROM_TYPE = stand_in("torch._tensor", "_rebuild_from_type_v2")
SIZE, DOUBLE = stand_in("torch", "Size"), stand_in("torch", "float64")
TENSOR, PARAMETER = stand_in("torch", "Tensor"), stand_in("torch.nn.parameter", "Parameter")
CALLBACK = stand_in("lightning.pytorch.callbacks", "ModelCheckpoint")


class Storage:
    def __init__(self, kind, key, count, data):
        self.id, self.key, self.count, self.data = ("storage", STORAGES[kind], key, "cpu", count), key, count, data


class Tensor:
    def __init__(self, kind, key, shape, data):
        self.shape = shape
        count = 1
        for size in shape:
            count *= size
        self.storage = Storage(kind, key, count, data)

    def __reduce__(self):
        strides, step = [], 1
        for size in reversed(self.shape):
            strides.insert(0, step)
            step *= size
        return REBUILD, (self.storage, 0, self.shape, tuple(strides), False, collections.OrderedDict())


class Call:
    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def dumps(what, storages, protocol):
    class Pickler(pickle.Pickler):
        def persistent_id(self, thing):
            if not isinstance(thing, Storage):
                return None
            storages[thing.key] = thing
            return thing.id

    out = io.BytesIO()
    Pickler(out, protocol=protocol).dump(what)
    return out.getvalue()


def write(name, what, protocol=2):
    """The zip container, and the older one for names that say so."""
    storages = {}
    data = dumps(what, storages, protocol)
    if "legacy" in name:
        parts = [pickle.dumps(part, protocol=2) for part in (MAGIC, 1001, {"little_endian": True})] + [data]
        parts.append(pickle.dumps(sorted(storages), protocol=2))
        parts += [struct.pack("<q", storages[key].count) + storages[key].data for key in sorted(storages)]
        (HERE / name).write_bytes(b"".join(parts))
        return
    with zipfile.ZipFile(HERE / name, "w", zipfile.ZIP_STORED) as archive:
        def add(entry, content):  # with a date of its own, so that the same bytes come out again
            archive.writestr(zipfile.ZipInfo("archive/" + entry), content)

        add("data.pkl", data)
        for key in sorted(storages):
            add("data/" + key, storages[key].data)


def floats(*values):
    return struct.pack(f"<{len(values)}f", *values)


def state(prefix="", first=0.0, key="0"):
    made = collections.OrderedDict()
    made[prefix + "w"] = Tensor("Float", key + "0", (2, 3), floats(*(first + i for i in range(6))))
    made[prefix + "n"] = Tensor("Long", key + "1", (), struct.pack("<q", 7))
    return made


def with_attributes():
    """What model.state_dict() is beside its entries, and tensors on which somebody has set something."""
    made = state()
    weight = made["w"].__reduce__()[1]
    made._metadata = collections.OrderedDict({"": {"version": 1}, "bn": {"version": 2}})
    made["w"] = Call(FROM_TYPE, REBUILD, TENSOR, weight, {"tag": "x"})
    made["v"] = Call(PARAMETER_WITH_STATE, Call(REBUILD, *weight), True, collections.OrderedDict(), {"no_weight_decay": True})
    made["u"] = Call(FROM_TYPE, REBUILD, PARAMETER, weight, ({"tag": "x"}, {"slot": 1}))
    return made


class Kind(enum.Enum):
    SEA = 1


class Attributes(dict):
    """As Lightning's AttributeDict: a dict of a class of its own."""


Kind.__module__ = Attributes.__module__ = "my.turtles"
sys.modules["my.turtles"].Kind = Kind
sys.modules["my.turtles"].Attributes = Attributes


def settings():
    return argparse.Namespace(
        arch="resnet18", root=pathlib.PurePosixPath("/data/turtles"), when=datetime.datetime(2024, 5, 6), kind=Kind.SEA,
        rate=numpy.float64(0.5), scores=numpy.arange(6, dtype="<f4").reshape(2, 3), seen={1, 2}, fixed=frozenset([3]),
        recent=collections.deque([1, 2], maxlen=5), counts=collections.defaultdict(int, a=1), raw=b"\x00\xff",
        buffer=bytearray(b"abc"), large=1 << 70, nothing=None, range=range(3), z=1 + 2j)


def lightning():
    callback = CALLBACK.__new__(CALLBACK)
    callback.__dict__.update(best=0.5, path=pathlib.PurePosixPath("a/b"), losses=[0.1, 0.2])
    return {"epoch": 3, "global_step": 99, "pytorch-lightning_version": "2.1.0", "state_dict": state("model."),
            "callbacks": {"ModelCheckpoint{'monitor': 'loss'}": callback}, "hyper_parameters": Attributes(args=settings()),
            "args": settings(), "optimizer_states": [{"state": {0: {"step": Tensor("Float", "9", (), floats(3.0))}}}]}


def main():
    HERE.mkdir(exist_ok=True)
    for old in HERE.glob("*"):
        old.unlink()
    write("lightning.pth", lightning())
    write("lightning_legacy.pth", lightning())
    write("lightning_protocol5.pth", lightning(), protocol=5)
    extra = state()
    extra["metric._extra_state"], extra["gone"] = settings(), None
    write("extra.pth", extra)
    write("average_beside.pth", {"ema": state(first=100.0, key="e"), "model": state()})
    write("average_timm.pth", {"arch": "tf_efficientnet_b0", "state_dict_ema": state(first=100.0, key="e"),
                               "state_dict": state()})
    write("average_alone.pth", {"epoch": 1, "model_ema": {"state_dict": state(first=100.0)}})
    write("average_first.pth", {"ema": state(first=100.0, key="e"), "checkpoint": {"net": state()}})
    write("nested.pth", {"checkpoint": {"net": state(), "step": 5}})
    write("classes.pth", {"classes": ["r\u00e9d", "blue"], "model": state()})
    write("classes_numbered.pth", {"class_to_idx": {"b": 1, "a": 0, "c": 2}, "model": state()})
    write("classes_odd.pth", {"classes": [1, 2], "class_names": 3, "class_to_idx": {"b": 1, "a": 1}, "model": state()})
    write("two.pth", {"net": state(first=100.0, key="e"), "model_state_dict": state()})
    other = {"net": state(), "mask": Tensor("Char", "7", (3,), b"abc"), "wave": Tensor("ComplexFloat", "8", (2,), bytes(16))}
    write("other_types.pth", other)
    write("other_types_legacy.pth", other)
    write("attributes.pth", with_attributes())
    write("attributes_legacy.pth", with_attributes())
    write("attributes_protocol5.pth", {"model": with_attributes(), "size": Call(SIZE, (1, 3)), "type": DOUBLE}, protocol=5)
    empty = state()
    empty["observer.min"], empty["rows"] = Tensor("Float", "5", (0,), b""), Tensor("Float", "6", (0, 3), b"")
    write("empty.pth", empty)
    write("empty_legacy.pth", empty)
    write("refused_type.pth", {"net": {"mask": Tensor("Char", "7", (3,), b"abc")}})
    write("refused_harm.pth", {"model": state(), "x": Call(os.system, "touch owned")})
    write("refused_harm5.pth", {"model": state(), "x": Call(eval, "1")}, protocol=5)
    net = NET.__new__(NET)
    net.__dict__.update(training=True, _parameters=state())
    write("refused_whole.pth", net)
    write("refused_whole_inside.pth", {"model": net, "epoch": 3})
    inner = {"w": 1}
    for _ in range(50):
        inner = {"model": inner}
    inner["net"] = inner
    write("refused_deep.pth", inner)


main()
