-- A network of one's own becomes a file of ONNX, which other programs run without scute: whatever forward computes with
-- tensors is written down. Usage: scute examples/export_onnx.lua [FILE] [DEVICE]; then in Python, for any number of photos:
--    onnxruntime.InferenceSession("gated.onnx").run(None, { "input": photos })     # (N, 3, 32, 32), float32
local scute = require "scute"
local nn = scute.nn

local Gated = nn.Module:extend "Gated"

function Gated:build()
   self.maps = nn.Sequential(nn.Conv2d { 3, 16, 3, bias = false }, nn.BatchNorm2d { 16 }, nn.SiLU())
   self.gate, self.head = nn.Linear { 16, 16 }, nn.Linear { 16, 10 }
end

-- The fields of the table that forward returns are the outputs of the file; a tensor alone is "logits".
function Gated:forward(x)
   local features = self.maps(x):mean { 3, 4 }
   local gate = self.gate(features):sigmoid()
   return { logits = self.head(features * gate), gate = gate }
end

local file = arg[1] or "gated.onnx"
local model = Gated():to(arg[2] or "cpu")
scute.export.onnx(model, file, { shape = { 3, 32, 32 } })
print(("%s: %d parameters, batch norm is folded into the convolution"):format(file, model:num_parameters()))
scute.export.onnx(model, file, { shape = { 3, 32, 32 }, dtype = "f16" })
print(("%s: the same in half the bytes"):format(file))

-- What Lua decides by the values of one input would not hold for the next: that is refused, and the file stays.
function model.gate:forward(features)
   if features:max():item() > 1 then features = features / 2 end
   return nn.Linear.forward(self, features)
end
local _, why = pcall(scute.export.onnx, model, file, { shape = { 3, 32, 32 } })
print(why:match "^[^\n]+")
