"""Makes tests/golden/pth: small files of torch.save in both formats, the same values through PyPI's safetensors, and
files that must be refused. Run by hand with a Python that has torch and safetensors; the results are committed.

    python tests/golden/make_pth.py
"""
import collections
import io
import os
import pathlib
import pickle
import struct
import zipfile

import torch
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent / "pth"
MAGIC = 0x1950A86A20F9469CFC6C


def values(*shape, dtype=torch.float32):
    n = int(torch.tensor(shape).prod()) if shape else 1
    return ((torch.arange(n) * 37 % 101).double() / 8 - 6).reshape(shape).to(dtype)


def state():
    shared = values(12)
    s = collections.OrderedDict()
    s["conv.weight"] = torch.nn.Parameter(values(4, 3, 2, 2))
    s["conv.channels_last"] = values(2, 3, 2, 4).contiguous(memory_format=torch.channels_last)
    s["half"] = values(5, dtype=torch.float16)
    s["bfloat"] = values(7, dtype=torch.bfloat16)
    s["double"] = values(2, 3, dtype=torch.float64)
    s["long"] = torch.tensor([-(2**62), -1, 0, 2**62 + 1])
    s["int"] = torch.tensor([[-(2**31), 2**31 - 1], [0, -7]], dtype=torch.int32)
    s["byte"] = torch.tensor([0, 1, 254, 255], dtype=torch.uint8)
    s["bool"] = torch.tensor([True, False, True])
    s["bn.num_batches_tracked"] = torch.tensor(1234567890123)
    s["shared.whole"] = shared
    s["shared.part"] = shared[3:9].view(2, 3)
    s["transposed"] = values(3, 4).t()
    s["every_other"] = values(10)[1::2]
    s["expanded"] = values(3, 1).expand(3, 4)
    s["denormal"] = torch.tensor([5.6e-45, 1e-40, -0.0, float("inf"), float("-inf")])
    return s


def plain(s):
    """What scute holds of it: contiguous, int32 as int64, bool as uint8."""
    wider = {torch.int32: torch.int64, torch.bool: torch.uint8}
    return {k: v.detach().to(wider.get(v.dtype, v.dtype)).contiguous().clone() for k, v in s.items()}


def save(name, what, **options):
    torch.save(what, HERE / name, **options)


def wrapped(key, inner):
    model = torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    return {"epoch": 3, key: inner, "best": 0.5, "name": "r\u00e9seau", "nothing": None, "flags": [True, (1, -2), 1 << 40],
            "optimizer": optimizer.state_dict()}


class Call:
    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


class OldPickler(pickle.Pickler):
    """Tensors as PyTorch before 0.4 wrote them: _rebuild_tensor, Parameter with a state, storages that are views."""

    def persistent_id(self, obj):
        return obj.id if isinstance(obj, Storage) else None


class Storage:
    def __init__(self, key, count, view=None, kind=torch.FloatStorage):
        self.id = ("storage", kind, key, "cpu", count, view)


def rebuild(storage, offset, size, stride):
    return Call(torch._utils._rebuild_tensor, storage, offset, size, stride)


class OldParameter:
    def __init__(self, tensor):
        self.tensor = tensor

    def __reduce__(self):
        return torch.nn.parameter.Parameter, (self.tensor,), (True, False, collections.OrderedDict())


def old_file(what, storages, magic=MAGIC, version=1001):
    out = io.BytesIO()
    facts = dict(protocol_version=1001, little_endian=True, type_sizes=dict(short=2, int=4, long=4))
    for part in (magic, version, facts):
        pickle.dump(part, out, protocol=2)
    OldPickler(out, protocol=2).dump(what)
    pickle.dump(sorted(storages), out, protocol=2)
    for key in sorted(storages):
        count, data = storages[key]
        out.write(struct.pack("<q", count) + data)
    return out.getvalue()


def legacy_of(tensor, count=6):
    data = {"1": (count, struct.pack(f"<{count}f", *range(count)))}
    return old_file({"w": tensor}, data)


def with_pickle(data):
    """The zip container around any pickle."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as z:
        z.writestr("archive/data.pkl", data)
        z.writestr("archive/data/0", struct.pack("<6f", *range(6)))
    return out.getvalue()


def repacked(name, **options):
    out = io.BytesIO()
    with zipfile.ZipFile(HERE / name) as source, zipfile.ZipFile(out, "w", **options) as z:
        for entry in source.namelist():
            data = source.read(entry)
            z.writestr(entry, data if options else data.replace(b"little", b"big"))
    return out.getvalue()


def hostile():
    s = Storage("1", 6)
    yield "os_system", with_pickle(pickle.dumps(Call(os.system, "touch owned"), protocol=2))
    yield "os_system_legacy", old_file(Call(os.system, "touch owned"), {})
    yield "eval", with_pickle(pickle.dumps({"w": Call(eval, "1")}, protocol=4))
    yield "protocol0", with_pickle(pickle.dumps({"w": 1}, protocol=0))
    yield "offset", legacy_of(rebuild(s, 3, (2, 2), (2, 1)))
    yield "stride", legacy_of(rebuild(s, 0, (2, 2), (5, 1)))
    yield "stride_overflow", legacy_of(rebuild(s, 0, (3, 3), (2**62, 2**62)))
    yield "shape_overflow", legacy_of(rebuild(s, 0, (2**40, 2**40), (0, 0)))
    yield "expanded_bomb", legacy_of(rebuild(s, 0, (2**17, 2**17), (0, 0)))
    yield "negative_stride", legacy_of(rebuild(s, 5, (6,), (-1,)))
    yield "negative_offset", legacy_of(rebuild(s, -1, (6,), (1,)))
    yield "no_elements", legacy_of(rebuild(s, 0, (0,), (1,)))
    yield "rank9", legacy_of(rebuild(s, 0, (1,) * 9, (1,) * 9))
    yield "view", legacy_of(rebuild(Storage("1", 6, ("2", 4, 3)), 0, (3,), (1,)))
    yield "count", old_file({"w": rebuild(s, 0, (6,), (1,))}, {"1": (5, bytes(24))})
    yield "huge_count", old_file({"w": rebuild(Storage("1", 2**62), 0, (6,), (1,))}, {"1": (2**62, bytes(24))})
    yield "unknown_key", old_file({"w": rebuild(s, 0, (6,), (1,))}, {"2": (6, bytes(24))})
    yield "two_types", old_file({"w": rebuild(s, 0, (6,), (1,)), "v": rebuild(Storage("1", 6, kind=torch.IntStorage), 0,
                                                                            (6,), (1,))}, {"1": (6, bytes(24))})
    yield "magic", old_file({}, {}, magic=MAGIC + 1)
    yield "version", old_file({}, {}, version=1002)
    yield "no_state_dict", old_file({"epoch": 1, "w": rebuild(s, 0, (6,), (1,))}, {"1": (6, bytes(24))})
    yield "empty", old_file({}, {})
    yield "marks", with_pickle(b"\x80\x02" + b"(" * 1000 + b".")
    yield "lists", with_pickle(b"\x80\x02" + b"]" * 2000 + b"a" * 1999 + b".")
    yield "long_string", with_pickle(b"\x80\x04\x8d" + b"\xff" * 8 + b"x.")
    yield "long_memo", with_pickle(b"\x80\x02}r\xff\xff\xff\xff.")
    yield "no_memo", with_pickle(b"\x80\x02j\xff\xff\xff\x7f.")
    # One list of ten thousand pairs, made into a dict three thousand times: 480 MB out of 35 KB.
    pairs = b"](](K\x01K\x01eq\x01" + b"h\x01" * 9999 + b"eq\x02"
    yield "amplified", with_pickle(b"\x80\x02" + b"ccollections\nOrderedDict\nq\x00" + pairs + b"h\x00h\x02\x85R" * 3000 + b".")
    yield "self", with_pickle(b"\x80\x02}q\x00X\x01\x00\x00\x00wh\x00s.")
    yield "stop_early", with_pickle(b"\x80\x02.")
    yield "no_stop", with_pickle(b"\x80\x02}")
    yield "duplicate", old_file({"w": rebuild(s, 0, (6,), (1,)), "W": rebuild(s, 0, (6,), (1,))},
                                {"1": (6, bytes(24))}).replace(b"X\x01\x00\x00\x00W", b"X\x01\x00\x00\x00w")
    yield "zero_in_name", old_file({"a\0b": rebuild(s, 0, (6,), (1,))}, {"1": (6, bytes(24))})
    yield "compressed", repacked("tiny.pth", compression=zipfile.ZIP_DEFLATED)
    yield "big_endian", repacked("tiny.pth")
    yield "other_zip", with_pickle(b"").replace(b"data.pkl", b"data.bin")


def main():
    for old in HERE.glob("*"):
        old.unlink()
    torch.manual_seed(1)
    s = state()
    save("zip.pth", s)
    save("legacy.pth", s, _use_new_zipfile_serialization=False)
    save("protocol4.pth", s, pickle_protocol=4)
    save_file(plain(s), HERE / "same.safetensors", metadata={"format": "pt", "name": "r\u00e9seau"})
    tiny = collections.OrderedDict(w=torch.nn.Parameter(values(2, 3)), n=torch.tensor(7))
    save("tiny.pth", tiny)
    save("tiny_legacy.pth", tiny, _use_new_zipfile_serialization=False)
    save_file(plain(tiny), HERE / "tiny.safetensors")
    save("wrapped.pth", wrapped("state_dict", tiny))
    save("wrapped_legacy.pth", wrapped("model", tiny), _use_new_zipfile_serialization=False)
    # w and n of tiny in the words of PyTorch 0.3: w behind a view of a larger storage.
    w = rebuild(Storage("1", 9, ("2", 2, 7)), 1, (2, 3), (3, 1))
    n = rebuild(Storage("3", 1, None, torch.LongStorage), 0, (), ())
    floats = struct.pack("<9f", 0, 0, 0, *values(6).tolist())
    old = collections.OrderedDict(w=OldParameter(w), n=n)
    (HERE / "old.pth").write_bytes(old_file(old, {"1": (9, floats), "3": (1, struct.pack("<q", 7))}))
    for name, data in hostile():
        (HERE / f"refused_{name}.pth").write_bytes(data)


main()
