"""What PyTorch computes in float64 for every case of tests/ops/*.lua: outputs, gradients, tensors written in place.

Run with a Python that has torch and torchvision:

    python tests/golden/make_ops.py

Asks ./scute for the cases and writes tests/golden/ops.safetensors: a float64 vector per result, named
"<case>/out1", "<case>/grad.<input>" or "<case>/after.<input>"; the metadata has the fingerprint of each case, so that
numbers of an older version of a case are noticed. Numbers in tensors come from the same hash as in tests/ops/lib/cases.lua.
Large results are kept as 48 values, the sum and the norm. Classes and indices count from 1 there and from 0 here.
"""
import json
import math
import struct
import subprocess
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
import torchvision

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
WHOLE, KEPT = 96, 48
MASK = 0xFFFFFFFF


# ---- numbers ----


def mix(position, salt):
    h = (position * 0x9E3779B1 + salt * 0x85EBCA77 + 0x165667B1) & MASK
    h = ((h ^ h >> 16) * 0x7FEB352D) & MASK
    h = ((h ^ h >> 15) * 0x846CA68B) & MASK
    return h ^ h >> 16


def values(spec, salt):
    shape = list(spec["shape"] or [])
    bits = [mix(i, salt) >> 8 for i in range(math.prod(shape))]
    if "low" in spec:
        span = spec["high"] - spec["low"] + 1
        return torch.tensor([spec["low"] + b % span for b in bits]).reshape(shape)
    exact = torch.tensor([(b / 0x800000 - 1) * spec.get("scale", 1) + spec.get("shift", 0) for b in bits], dtype=torch.float64)
    return exact.float().double().reshape(shape)


def summary(t):
    flat = t.detach().double().flatten()
    n = flat.numel()
    if n <= WHOLE:
        return flat.clone()
    positions = []
    for j in range(4 * KEPT + 1):
        position = mix(j, 77) % n
        if position not in positions and len(positions) < KEPT:
            positions.append(position)
    return torch.cat([flat[positions], flat.sum()[None], flat.norm()[None]])


# ---- ops that PyTorch calls the same: inputs and options in the order of their declaration ----


def argument(case, param, named):
    name, value = param["name"], (case.get("attrs") or {}).get(param["name"])
    if param["kind"].startswith("dimension"):
        return dim_of(value)
    if param["kind"] == "tensor or number":
        return number(named[name])
    return named.get(name, value)


def same_name(case, named):
    """The function of PyTorch of the op's name, with tensors by position and what is said of the options by name."""
    op = case["op"]
    function = getattr(torch, op, None) or getattr(F, op)
    tensors = [argument(case, p, named) for p in case["params"] if p["name"] in named]
    options = {p["name"]: argument(case, p, named) for p in case["params"] if p["name"] in (case.get("attrs") or {})}
    result = function(*tensors, **options)
    return list(result) if isinstance(result, tuple) else [result]


# ---- other ops: inputs by name, attributes by name -> list of outputs, or (outputs, {name: tensors written}) ----


def dim_of(dim):
    if isinstance(dim, list):
        return [dim_of(each) for each in dim]
    return dim - 1 if dim is not None and dim > 0 else dim


def pair(value):
    return tuple(value) if isinstance(value, list) else value


def spread_over(function, x, dims, keep):
    """One dimension after the other, the last first."""
    for dim in sorted((d % x.dim() for d in dims), reverse=True):
        x = function(x, dim=dim, keepdim=keep).values
    return x


def reduction(function, name=None):
    def run(i, a):
        x, dim, keep = i["x"], dim_of(a.get("dim")), a.get("keepdim", False)
        if dim is None:
            y = function(x)
            return [y.reshape([1] * x.dim()) if keep else y]
        if isinstance(dim, list) and function in (torch.max, torch.min):
            y = spread_over(function, x, dim, keep)
        else:
            y = function(x, dim=dim, keepdim=keep)
        return [y if isinstance(y, torch.Tensor) else y.values]

    return run


def with_options(function, *names):
    """A reduction that takes options, and None for all dimensions."""
    return lambda i, a: [function(i["x"], dim=dim_of(a.get("dim")), keepdim=a.get("keepdim", False),
                                  **{name: a[name] for name in names if name in a})]


def norm(i, a):
    x, p = i["x"], float(a.get("p", 2))
    y = torch.norm(x, p=p, dim=dim_of(a.get("dim")), keepdim=a.get("keepdim", False))
    return [y if p != 0 else y + 0 * x.sum()]  # else PyTorch has no gradient, not even 0


def prod(i, a):
    x, keep = i["x"], a.get("keepdim", False)
    dims = dim_of(a.get("dim", list(range(1, x.dim() + 1))))
    for dim in sorted((d % x.dim() for d in (dims if isinstance(dims, list) else [dims])), reverse=True):
        x = x.prod(dim, keepdim=keep)
    return [x]


def from_one(run):
    return lambda i, a: [y + 1 for y in run(i, a)]


def number(value):
    return torch.as_tensor(value, dtype=torch.float64) if not isinstance(value, torch.Tensor) else value


def unary(function):
    return lambda i, a: [function(i["x"])]


def compare(function):
    return lambda i, a: [function(number(i["a"]), number(i["b"])).to(torch.uint8)]


def slice_(i, a):
    x, dim = i["x"], dim_of(a["dim"]) % i["x"].dim()
    n = x.shape[dim]
    first, last = a.get("from", 1), a.get("to", -1)
    first, last = (v + n + 1 if v < 0 else v for v in (first, last))
    return [x.index_select(dim, torch.arange(first - 1, last, a.get("step", 1)))]


def select(i, a):
    index = a["index"]
    return [i["x"].select(dim_of(a["dim"]), index - 1 if index > 0 else index)]


def cross_entropy(i, a):
    targets = i["targets"]
    targets = targets if targets.is_floating_point() else targets - 1
    return [F.cross_entropy(i["logits"], targets, label_smoothing=a.get("label_smoothing", 0.0),
                            reduction=a.get("reduction", "mean"))]


def dropout(i, a):
    assert a.get("training") is False or a["p"] in (0, 1), "PyTorch draws other numbers"
    return [F.dropout(i["x"], a.get("p", 0.5), a.get("training", True))]


def stochastic_depth(i, a):
    assert a.get("training") is False or a["p"] in (0, 1), "PyTorch draws other numbers"
    y = torchvision.ops.stochastic_depth(i["x"], float(a["p"]), "row", a.get("training", True))
    return [y + i["residual"] if "residual" in i else y]


def hardsigmoid(x):
    return F.relu6(x + 3) / 6  # PyTorch's own has the slope in float32


def activation(name):
    """What a fused op ends with: PyTorch's function of that name."""
    own = {"none": lambda x: x, "hardsigmoid": hardsigmoid, "hardswish": lambda x: x * hardsigmoid(x)}
    return own.get(name) or getattr(F, name)


def squeeze_excitation(i, a):
    act, scale_act = activation(a.get("act", "silu")), activation(a.get("scale_act", "sigmoid"))
    pooled = F.adaptive_avg_pool2d(i["x"], 1)
    squeezed = act(F.conv2d(pooled, i["weight1"], i["bias1"]))
    return [i["x"] * scale_act(F.conv2d(squeezed, i["weight2"], i["bias2"]))]


def batch_norm(i, a, names=("weight", "bias")):
    training = a.get("training", False)
    mean, var = i.get("running_mean"), i.get("running_var")
    if mean is not None:
        mean, var = mean.clone(), var.clone()
    y = F.batch_norm(i["x"], mean, var, i.get(names[0]), i.get(names[1]), training or mean is None,
                     a.get("momentum", 0.1), a.get("eps", 1e-5))
    if "residual" in i:
        y = y + i["residual"]
    after = {"running_mean": mean, "running_var": var} if training and mean is not None else {}
    return [activation(a.get("act", "none"))(y)], after


def two(value):
    return value if isinstance(value, list) else [value, value]


def same_tf(x, weight, stride, dilation):
    """x with the zeros of TensorFlow's "SAME" around it: ceil(size / stride) results, the odd zero behind."""
    pads = []
    for dim in 3, 2:  # F.pad begins with the last
        size, s = x.shape[dim], stride[dim - 2]
        total = max((-(-size // s) - 1) * s + dilation[dim - 2] * (weight.shape[dim] - 1) + 1 - size, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads)


def conv2d(i, a):
    x, weight, stride, dilation = i["x"], i["weight"], two(a.get("stride", 1)), two(a.get("dilation", 1))
    padding = a.get("padding", 0)
    if padding == "same_tf":
        x, padding = same_tf(x, weight, stride, dilation), 0
    return [F.conv2d(x, weight, i.get("bias"), stride, pair(padding), dilation, a.get("groups", 1))]


def conv_bn_act(i, a):
    y = conv2d(i, a)[0]
    return batch_norm({**i, "x": y}, a, ("bn_weight", "bn_bias"))


def window(a):
    return {"kernel_size": pair(a["kernel"]), "stride": pair(a.get("stride")) or None, "padding": pair(a.get("padding", 0)),
            "ceil_mode": a.get("ceil_mode", False)}


def avg_pool2d(i, a):
    return [F.avg_pool2d(i["x"], **window(a), count_include_pad=a.get("count_include_pad", True))]


def gem_pool2d(i, a):
    p = number(i["p"])
    p = p.reshape(1, -1, 1, 1) if p.numel() > 1 else p
    return [i["x"].clamp(min=a.get("eps", 1e-6)).pow(p).mean((2, 3), keepdim=True).pow(1 / p)]


def interpolate(i, a):
    smooth = a.get("mode", "nearest").startswith("bi")
    return [F.interpolate(i["x"], pair(a.get("size")), a.get("scale_factor"), a.get("mode", "nearest"),
                          a.get("align_corners", False) if smooth else None, antialias=a.get("antialias", False))]


def normalize_photos(i, a):
    one = (1, -1, 1, 1)
    return [(i["x"].double() / 255 - i["mean"].reshape(one)) / i["std"].reshape(one)]


def optimizer_step(params, grads, make, state):
    leaves = [p.clone().requires_grad_() for p in params]
    for leaf, gradient in zip(leaves, grads):
        leaf.grad = gradient.clone()
    optimizer = make(leaves)
    for index, leaf in enumerate(leaves):
        for key, value in state(index).items():
            optimizer.state[leaf][key] = value
    optimizer.step()
    return leaves, optimizer


def sgd_step(i, a):
    momentum = a.get("momentum", 0)

    def make(leaves):
        return torch.optim.SGD(leaves, lr=a["lr"], momentum=momentum, weight_decay=a.get("weight_decay", 0),
                               dampening=a.get("dampening", 0), nesterov=a.get("nesterov", False), foreach=False)

    def state(index):
        return {} if a.get("first") or not momentum else {"momentum_buffer": i["momenta"][index].clone()}

    leaves, optimizer = optimizer_step(i["params"], i["grads"], make, state)
    after = {"params": leaves}
    if momentum:
        after["momenta"] = [optimizer.state[leaf]["momentum_buffer"] for leaf in leaves]
    return [], after


def adamw_step(i, a):
    kind = torch.optim.AdamW if a.get("decoupled", True) else torch.optim.Adam

    def make(leaves):
        return kind(leaves, lr=a["lr"], betas=(a.get("beta1", 0.9), a.get("beta2", 0.999)), eps=a.get("eps", 1e-8),
                    weight_decay=a.get("weight_decay", 0), foreach=False)

    def state(index):
        return {"step": torch.tensor(float(a["step"] - 1)), "exp_avg": i["exp_avg"][index].clone(),
                "exp_avg_sq": i["exp_avg_sq"][index].clone()}

    leaves, optimizer = optimizer_step(i["params"], i["grads"], make, state)
    moments = {name: [optimizer.state[leaf][name] for leaf in leaves] for name in ("exp_avg", "exp_avg_sq")}
    return [], {"params": leaves, **moments}


def rmsprop_step(i, a):
    momentum, centered = a.get("momentum", 0), "grad_avg" in i
    buffers = {"square_avg": "square_avg", **({"momentum_buffer": "momenta"} if momentum else {}),
               **({"grad_avg": "grad_avg"} if centered else {})}

    def make(leaves):
        return torch.optim.RMSprop(leaves, lr=a["lr"], alpha=a.get("alpha", 0.99), eps=a.get("eps", 1e-8), centered=centered,
                                   momentum=momentum, weight_decay=a.get("weight_decay", 0), foreach=False)

    def state(index):
        return {"step": torch.tensor(2.0), **{name: i[ours][index].clone() for name, ours in buffers.items()}}

    leaves, optimizer = optimizer_step(i["params"], i["grads"], make, state)
    after = {ours: [optimizer.state[leaf][name] for leaf in leaves] for name, ours in buffers.items()}
    return [], {"params": leaves, **after}


def list_norm(i, a):
    return [torch.nn.utils.get_total_norm(i["tensors"])]


def list_clip(i, a):
    leaves = [torch.zeros_like(t).requires_grad_() for t in i["tensors"]]
    for leaf, t in zip(leaves, i["tensors"]):
        leaf.grad = t.clone()
    torch.nn.utils.clip_grads_with_norm_(leaves, a["limit"], i["norm"].double(), foreach=False)
    return [], {"tensors": [leaf.grad for leaf in leaves]}


def list_clamp(i, a):
    leaves = [torch.zeros_like(t).requires_grad_() for t in i["tensors"]]
    for leaf, t in zip(leaves, i["tensors"]):
        leaf.grad = t.clone()
    torch.nn.utils.clip_grad_value_(leaves, a["limit"], foreach=False)
    return [], {"tensors": [leaf.grad for leaf in leaves]}


def average_step(i, a):
    update = torch.optim.swa_utils.get_ema_avg_fn(a["decay"])
    return [], {"averages": [update(old, new, None) for old, new in zip(i["averages"], i["values"])]}


def ordered(function):
    """Values and indices, or indices alone, along the last dimension unless another one is named."""

    def run(i, a):
        options = {name: value for name, value in a.items() if name != "dim"}
        result = function(i["x"], dim=dim_of(a.get("dim", -1)), **options)
        return [result + 1] if isinstance(result, torch.Tensor) else [result[0], result[1] + 1]

    return run


def median(i, a):
    x, dim, keep = i["x"], dim_of(a.get("dim")), a.get("keepdim", False)
    if dim is None:
        y = torch.median(x)
        return [y.reshape([1] * x.dim()) if keep else y]
    y, index = torch.median(x, dim=dim, keepdim=keep)
    return [y, index + 1]


def unique(i, a):
    inverse, counts = a.get("return_inverse", False), a.get("return_counts", False)
    found = torch.unique(i["x"], return_inverse=inverse, return_counts=counts)
    found = list(found) if isinstance(found, tuple) else [found]
    return [y + 1 if inverse and k == 1 else y for k, y in enumerate(found)]


def bincount(i, a):
    weights = i["weights"].detach().flatten() if "weights" in i else None
    return [torch.bincount(i["x"].flatten() - 1, weights, a.get("minlength", 0))]


# PyTorch's own are for float32; powers of two and small counts are exact there.
def unscale_(i, a):
    found = torch.zeros(1)
    grads = [t.float() for t in i["grads"]]
    torch._amp_foreach_non_finite_check_and_unscale_(grads, found, (1 / i["scale"]).float().reshape(1))
    return [], {"grads": grads, "found_inf": found.reshape(())}


def scale_update_(i, a):
    scale, good = i["scale"].float().reshape(1), i["good_steps"].int().reshape(1)
    torch._amp_update_scale_(scale, good, i["found_inf"].float().reshape(1), a.get("growth", 2), a.get("backoff", 0.5),
                             a.get("interval", 2000))
    skipped = i["skipped"] + (i["found_inf"] != 0)
    return [], {"scale": scale.reshape(()), "good_steps": good.reshape(()), "skipped": skipped}


def layer_norm(i, a):
    shape = tuple(a["normalized_shape"])
    x = i["x"].permute(0, 2, 3, 1) if a.get("channels") else i["x"]
    y = F.layer_norm(x, shape, i.get("weight"), i.get("bias"), a.get("eps", 1e-5))
    return [y.permute(0, 3, 1, 2) if a.get("channels") else y]


def group_norm(i, a):
    return [F.group_norm(i["x"], a["num_groups"], i.get("weight"), i.get("bias"), a.get("eps", 1e-5))]


def grouped_norm(i, a):
    x, groups = i["x"], {"num_groups": a.get("groups", 1)}
    if not a.get("per_pixel"):
        return group_norm(i, groups)
    rows = x.permute(0, 2, 3, 1).flatten(0, 2)
    n, c, h, w = x.shape
    return [group_norm({**i, "x": rows}, groups)[0].reshape(n, h, w, c).permute(0, 3, 1, 2)]


# ---- shapes ----


def dims_of(dims):
    return [dim_of(d) for d in (dims if isinstance(dims, list) else [dims])]


def squeeze(i, a):
    return [i["x"].squeeze(tuple(dims_of(a["dims"]))) if "dims" in a else i["x"].squeeze()]


def roll(i, a):
    return [torch.roll(i["x"], a["shifts"], dims_of(a["dims"])) if "dims" in a else torch.roll(i["x"], a["shifts"][0])]


def pad(i, a):
    if a.get("mode", "constant") == "constant":
        return [F.pad(i["x"], a["pads"], value=a.get("value", 0))]
    return [F.pad(i["x"], a["pads"], a["mode"])]


SHAPES = {
    "squeeze": squeeze,
    "unsqueeze": lambda i, a: [i["x"].unsqueeze(dim_of(a["dim"]))],
    "flip": lambda i, a: [i["x"].flip(dims_of(a["dims"]))],
    "roll": roll,
    "tile": lambda i, a: [torch.tile(i["x"], a["times"])],
    "expand": lambda i, a: [i["x"].expand(a["shape"])],
    "pad": pad,
    "stack": lambda i, a: [torch.stack(i["tensors"], dim_of(a.get("dim", 1)))],
    "gather": lambda i, a: [torch.gather(i["x"], dim_of(a["dim"]), i["index"] - 1)],
    "scatter_add": lambda i, a: [torch.scatter_add(i["x"], dim_of(a["dim"]), i["index"] - 1, i["src"])],
    "one_hot": lambda i, a: [F.one_hot(i["x"] - 1, a.get("classes", -1))],
}


OPS = {
    **SHAPES,
    **{name: compare(getattr(torch, name)) for name in ("eq", "ne", "lt", "le", "gt", "ge")},
    "hardsigmoid": unary(hardsigmoid),
    "floor_divide": lambda i, a: [torch.div(number(i["a"]), number(i["b"]), rounding_mode="floor")],
    "where": lambda i, a: [torch.where(i["condition"] != 0, number(i["a"]), number(i["b"]))],
    "sum": reduction(torch.sum),
    "mean": reduction(torch.mean),
    "max": reduction(torch.max),
    "min": reduction(torch.min),
    "var": with_options(torch.var, "correction"),
    "std": with_options(torch.std, "correction"),
    "norm": norm,
    "logsumexp": lambda i, a: [torch.logsumexp(i["x"], dim_of(a.get("dim", list(range(1, i["x"].dim() + 1)))),
                                               a.get("keepdim", False))],
    "prod": prod,
    "any": reduction(torch.any),
    "all": reduction(torch.all),
    "argmax": from_one(reduction(torch.argmax)),
    "argmin": from_one(reduction(torch.argmin)),
    "sort": ordered(partial(torch.sort, stable=True)),
    "argsort": ordered(partial(torch.argsort, stable=True)),
    "topk": ordered(torch.topk),
    "median": median,
    "unique": unique,
    "bincount": bincount,
    "softmax": lambda i, a: [torch.softmax(i["x"], dim_of(a.get("dim", -1)))],
    "log_softmax": lambda i, a: [torch.log_softmax(i["x"], dim_of(a.get("dim", -1)))],
    "cross_entropy": cross_entropy,
    "dropout": dropout,
    "stochastic_depth": stochastic_depth,
    "squeeze_excitation": squeeze_excitation,
    "reshape": lambda i, a: [i["x"].reshape(tuple(a["shape"] or ()))],
    "flatten": lambda i, a: [torch.flatten(i["x"], dim_of(a.get("from", 1)))],
    "permute": lambda i, a: [i["x"].permute([dim_of(d) for d in a["order"]])],
    "transpose": lambda i, a: [i["x"].transpose(dim_of(a["dim1"]), dim_of(a["dim2"]))],
    "select": select,
    "slice": slice_,
    "concat": lambda i, a: [torch.cat(i["tensors"], dim_of(a.get("dim", 1)))],
    "index_select": lambda i, a: [i["x"].index_select(dim_of(a["dim"]), i["indices"] - 1)],
    "to": unary(lambda x: x.clone()),
    "to_device": unary(lambda x: x.clone()),
    "normalize_photos": normalize_photos,
    "sgd_step": sgd_step,
    "adamw_step": adamw_step,
    "rmsprop_step": rmsprop_step,
    "list_norm": list_norm,
    "list_scale": lambda i, a: ([], {"tensors": [t * a["factor"] for t in i["tensors"]]}),
    "list_clip": list_clip,
    "list_clamp": list_clamp,
    "average_step": average_step,
    "unscale_": unscale_,
    "scale_update_": scale_update_,
    "conv2d": conv2d,
    "conv_bn_act": conv_bn_act,
    "conv2d_folded": lambda i, a: conv_bn_act(i, {**a, "training": False}),
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "group_norm": group_norm,
    "grouped_norm": grouped_norm,
    "max_pool2d": lambda i, a: [F.max_pool2d(i["x"], **window(a))],
    "avg_pool2d": avg_pool2d,
    "global_avg_pool2d": lambda i, a: [F.adaptive_avg_pool2d(i["x"], 1)],
    "gem_pool2d": gem_pool2d,
    "interpolate": interpolate,
    "linear": lambda i, a: [F.linear(i["x"], i["weight"], i.get("bias"))],
    "matmul": lambda i, a: [torch.matmul(i["a"], i["b"])],
}


# ---- cases ----


def inputs_of(case):
    named, flat = {}, []
    for entry in case["inputs"]:
        value = entry["number"] if "number" in entry else values(entry["spec"], entry["salt"])
        if entry.get("grad"):
            value.requires_grad_()
        name = entry["param"]
        if "index" in entry:
            named.setdefault(name, []).append(value)
            name = f"{name}.{entry['index']}"
        else:
            named[name] = value
        flat.append((name, entry, value))
    return named, flat


def run(case):
    named, flat = inputs_of(case)
    special = OPS.get(case["op"])
    result = special(named, case.get("attrs") or {}) if special else same_name(case, named)
    outputs, after = result if isinstance(result, tuple) else (result, {})
    found = {f"out{k + 1}": y for k, y in enumerate(outputs)}
    wanted = [(name, value) for name, entry, value in flat if entry.get("grad")]
    if wanted:
        loss = sum((y * values({"shape": list(y.shape)}, 1001 + k)).sum() for k, y in enumerate(outputs))
        gradients = torch.autograd.grad(loss, [value for _, value in wanted])
        found.update({f"grad.{name}": g for (name, _), g in zip(wanted, gradients)})
    for name, written in after.items():
        if isinstance(written, list):
            found.update({f"after.{name}.{k + 1}": t for k, t in enumerate(written)})
        else:
            found[f"after.{name}"] = written
    return found


def save(path, tensors, metadata):
    """As safetensors; the same content gives the same bytes."""
    header, at = {"__metadata__": metadata}, 0
    for name in sorted(tensors):
        size = 8 * tensors[name].numel()
        header[name] = {"dtype": "F64", "shape": [tensors[name].numel()], "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name in sorted(tensors):
            file.write(tensors[name].numpy().tobytes())


def main():
    exported = subprocess.run([ROOT / "scute", ROOT / "tests/ops/export.lua"], check=True, capture_output=True, text=True)
    cases = json.loads(exported.stdout)
    tensors, fingerprints = {}, {}
    for case in cases:
        try:
            results = run(case)
        except Exception as error:
            raise SystemExit(f"{case['id']}: {error}") from error
        fingerprints[case["id"]] = case["fingerprint"]
        for name, t in results.items():
            tensors[f"{case['id']}/{name}"] = summary(t)
    save(HERE / "ops.safetensors", tensors, fingerprints)
    size = (HERE / "ops.safetensors").stat().st_size
    print(f"{len(cases)} cases, {len(tensors)} tensors, {size} bytes")


if __name__ == "__main__":
    main()
