"""Has ONNX's checker look at the .onnx files of a folder, and onnxruntime run them: one process for many, since importing takes
longer than most of them. Usage: onnx_run.py FOLDER

What NAME.onnx is given is in NAME.in.safetensors, and what it gave in NAME.out.safetensors afterwards. Prints, by name, how the
inputs and outputs are declared and the metadata, or the first error.
"""
import json
import sys
from pathlib import Path

import onnx
import onnxruntime
from safetensors.numpy import load_file, save_file

onnxruntime.set_default_logger_severity(3)  # errors
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1


def declared(values):
    return {value.name: [value.type, value.shape] for value in values}


def run(path):
    onnx.checker.check_model(str(path), full_check=True)
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    given = load_file(path.with_suffix(".in.safetensors"))
    found = session.run(names, {name: given[name] for name in (value.name for value in session.get_inputs())})
    save_file({name: value.copy() for name, value in zip(names, found)}, path.with_suffix(".out.safetensors"))
    model = onnx.load(str(path), load_external_data=False)
    return {
        "inputs": declared(session.get_inputs()),
        "outputs": declared(session.get_outputs()),
        "metadata": {pair.key: pair.value for pair in model.metadata_props},
        "operators": [node.op_type for node in model.graph.node],
    }


told = {}
for path in sorted(Path(sys.argv[1]).glob("*.onnx")):
    try:
        told[path.stem] = run(path)
    except Exception as error:  # whatever it is, it is about this file alone
        told[path.stem] = {"error": f"{type(error).__name__}: {error}"}
json.dump(told, sys.stdout)
