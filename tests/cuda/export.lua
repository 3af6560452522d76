-- A model on a GPU becomes the same file of ONNX, byte for byte, as it does on the CPU, stays where it is, and is refused for
-- what it would be refused there.
-- Usage: scute tests/cuda/export.lua [DEVICE]
local scute = require "scute"
local nn = scute.nn

local device = arg[1] or "cuda"
local tally = dofile "tests/tally.lua"

local function model()
   scute.manual_seed(3)
   return nn.Sequential(nn.Conv2dNormActivation { 3, 4 }, nn.Conv2d { 4, 4, 3 }, nn.BatchNorm2d { 4 },
      nn.SqueezeExcitation { 4, 2 }, nn.AdaptiveAvgPool2d(), nn.Flatten(), nn.Linear { 4, 2 })
end

-- The bytes of the file that a model becomes.
local function exported(it, dtype)
   local name = os.tmpname()
   local path = name .. ".onnx"
   scute.export.onnx(it, path, { shape = { 3, 8, 8 }, dtype = dtype })
   local file <close> = assert(io.open(path, "rb"))
   os.remove(path)
   os.remove(name)
   return file:read "a"
end

local here, there = model(), model():to(device)
for _, dtype in ipairs { "f32", "f16" } do
   tally.check(exported(here, dtype) == exported(there, dtype), "the same file: " .. dtype, "another one")
end
tally.check(there[1][1].weight.device:find(device, 1, true) and there.training, "the model stays as it is", there)

function there:forward(x) -- luacheck: ignore self
   return x:max():item() > 0 and x or -x
end
local ok, why = pcall(exported, there)
tally.check(not ok and why:find("read in Lua", 1, true), "values may not be read", why)

-- The example, and what it writes.
local name = os.tmpname()
local path = name .. ".onnx"
arg = { path, device } -- luacheck: ignore
local done, failed = pcall(dofile, "examples/export_onnx.lua")
tally.check(done and #assert(io.open(path, "rb")):read "a" > 2 * 906, "examples/export_onnx.lua", failed)
os.remove(path)
os.remove(name)
tally.finish()
