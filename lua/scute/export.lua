-- Models that leave: files that other programs run.
local export = {}

export.onnx = require "scute.export.onnx"

return export
