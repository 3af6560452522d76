-- A network for programs that run ONNX: it learns to tell red from blue, and leaves as a file.
-- Run it:  ./scute examples/export_onnx.lua [FILE [DEVICE]]
local scute = require "scute"
local nn = scute.nn

local path, device = arg[1] or "colours.onnx", arg[2] or "cpu"
scute.manual_seed(0)

-- Small photos of a noisy colour, and their classes: 1 red, 2 blue.
local function photos(n)
   local y = scute.randint(1, 2, { n })
   local red = y:eq(1):to "f32":reshape(n, 1, 1, 1)
   local colour = scute.concat({ red, scute.zeros(n, 1, 1, 1), 1 - red }, 2)
   return (colour + 0.3 * scute.randn(n, 3, 8, 8)):to(device), y:to(device)
end

local net = nn.Sequential { nn.Conv2d { 3, 8, 3 }, nn.BatchNorm2d { 8 }, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
   nn.Linear { 8, 2 } }
net:to(device)
local optimizer = scute.optim.adamw(net:groups { lr = 0.02 })
for _ = 1, 30 do
   local x, y = photos(16)
   optimizer:zero_grad()
   net(x):cross_entropy(y):backward()
   optimizer:step()
end
local x, y = photos(40)
local guesses = scute.no_grad(net:eval().call, net, x):argmax(2)
print(("%d of 40 photos are told apart"):format(guesses:eq(y):to "f32":sum():item()))

-- Any number of photos of this size; a model of scute.models says the size itself, and its classes, to the file.
scute.export.onnx(net, path, { shape = { 3, 8, 8 } })
print(("%s: input (N, 3, 8, 8), logits (N, 2)"):format(path))
