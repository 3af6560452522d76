-- What `make bench` was told: by its arguments, and by the environment.
--    PARTS     which tables, by their names (see run.lua); default: all of them
--    MODELS    which networks; default: the five of the course, and in more_backbones those that run.lua names
--    ROUNDS    2 (on a GPU 3), of which the least counts; what is said to be so in run.lua is measured once
--    BATCH     photos at once, 16; SIDE: pixels, instead of 224, and of 300 for EfficientNet-B3
--    EPOCHS    of Exercise 1, 10
--    PHOTOS    of a camera's size that are made, 192
--    FOLDER_PHOTOS   of the big folder, 1000000, and FOLDER_EPOCH, how many of them go through a network, 100000
--    ELEMENTS  of the tensors of one's own kernels, 4000000
--    SCRATCH   the folder of photos that are made and of what torch.compile keeps, build/bench: they are used again
--    RESULTS   the folder where bench.json and RESULTS.md are written; default: beside run.lua, and without PYTHON nowhere
local scute = require "scute"
local console = require "scute.base.console"

local function number(name, default)
   local text = os.getenv(name) or ""
   if text == "" then return default end
   local value = math.tointeger(tonumber(text))
   if not value or value < 0 then console.fail("%s: expected a whole number, found '%s'", name, text) end
   return value
end

local function list(name, default)
   local names = {}
   local text = os.getenv(name) or ""
   for word in (text ~= "" and text or default):gmatch "[^,%s]+" do names[#names + 1] = word end
   return names
end

local device = console.guard("make bench", scute.device, arg[2] or "cpu")
local on_gpu = device:find "^cuda" ~= nil
local python = arg[1] and arg[1] ~= "" and arg[1] or nil
local here = arg[0]:match "^(.*)/" or "."

return {
   python = python,
   device = device,
   on_gpu = on_gpu,
   scute = arg[-1],
   here = here,
   scratch = os.getenv "SCRATCH" or "build/bench",
   results = os.getenv "RESULTS" or python and here or nil,
   parts = list("PARTS", ""),
   models = list("MODELS", "resnet18,resnet50,efficientnet_b0,efficientnet_b3,mobilenet_v2"),
   names_models = (os.getenv "MODELS" or "") ~= "",
   rounds = math.max(1, number("ROUNDS", on_gpu and 3 or 2)),
   batch = number("BATCH", 16),
   side = number("SIDE"),
   epochs = number("EPOCHS", 10),
   photos = math.max(8, number("PHOTOS", 192)),
   folder = number("FOLDER_PHOTOS", 1000000),
   epoch = number("FOLDER_EPOCH", 100000),
   elements = math.max(1, number("ELEMENTS", 4000000)),
   processors = scute.processors(), -- threads, or processes, that decode photos
   threads = scute.threads(), -- that compute: the cores
   widths = scute.computes(device, "bf16") and { "f32", "bf16" } or { "f32" },
}
