-- Models that leave: files that other programs run.
local export = {}

-- Writes a model, of scute.models or a module of one's own, to a file of ONNX (opset 18): what it computes in evaluation mode,
-- for any number of samples, with batch norm folded into the convolutions. An op without a counterpart there is named with its
-- layer's path before anything is written.
export.onnx = require "scute.export.onnx"

return export
