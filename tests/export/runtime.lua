-- Compares what exported models compute in onnxruntime with what scute computes: many models, one Python process.
--
--    local batch = runtime.new()
--    batch:add { name = "linear", save = function(path) ... end, inputs = { input = x }, expected = { logits = y } }
--    batch:run(check)         -- check(ok, name, detail), as tests/tally.lua has it
local cjson = require "cjson"
local scute = require "scute"
local shape_text = require "scute.base.shape_text"

local here = debug.getinfo(1, "S").source:match "^@(.*)/"
local python = os.getenv "PYTHON" or "python3"

local runtime = {}

-- Of the largest number of what is expected: f32 that is summed up in another order, and half width.
runtime.TOLERANCE = { f32 = 1e-5, f16 = 2e-2 }

--- Whether there is a Python with onnx, onnxruntime and safetensors (see tools/deps.sh), by its own word once.
function runtime.available()
   if runtime.found == nil then
      runtime.found = os.execute(python .. " -c 'import onnx, onnxruntime, safetensors.numpy' 2>/dev/null") == true
      if not runtime.found then
         print(("not run: models in onnxruntime (%s has no onnx, onnxruntime or safetensors, which make deps fetches; PYTHON= "
            .. "says which to use)"):format(python))
      end
   end
   return runtime.found
end

local Batch = {}
Batch.__index = Batch

function runtime.new()
   local folder = os.tmpname()
   os.remove(folder)
   scute.files.mkdirs(folder)
   return setmetatable({ folder = folder, models = {} }, Batch)
end

local function save_tensors(path, tensors)
   local names = {}
   for name in pairs(tensors) do names[#names + 1] = name end
   scute.weights.save(path, { names = names, tensors = tensors })
end

-- What a file may not be called goes.
local function file_name(i, name)
   return ("%04d-%s"):format(i, (name:gsub("[^%w_]+", "-")))
end

--- A model to be run. model: name; save = function(path), which writes it; inputs, expected = {name = tensor}; tolerance = of
-- the largest number expected, 1e-5 unless said; look = function(told, check, found), with what onnxruntime
-- tells of the file (see onnx_run.py) and the tensors that it gave, optional.
function Batch:add(model)
   model.file = file_name(#self.models + 1, model.name)
   local path = self.folder .. "/" .. model.file
   local ok, why = pcall(model.save, path .. ".onnx")
   model.failed = not ok and why or nil
   save_tensors(path .. ".in.safetensors", model.inputs)
   self.models[#self.models + 1] = model
end

local function largest(t)
   return t:to("f64"):abs():max():item()
end

-- nil, or in what way `found` is not what was expected.
local function difference(found, expected, tolerance)
   if not found then return "it is missing" end
   local shape, wanted = shape_text(found.shape), shape_text(expected.shape)
   if shape ~= wanted then return ("it has the shape %s, expected %s"):format(shape, wanted) end
   local apart, most = largest(found:to "f64" - expected:to "f64"), largest(expected)
   local whole = expected.dtype == "i64" or expected.dtype == "u8"
   if whole and apart == 0 or apart <= tolerance * most then return nil end -- a NaN is neither
   return ("%g apart, of %g at most %g"):format(apart, most, tolerance * most)
end

local function compare(self, model, told, check)
   local failed = not told and "it was not run" or told.error
   if failed then return check(false, model.name, failed) end
   local found = scute.weights.load(("%s/%s.out.safetensors"):format(self.folder, model.file)).tensors
   for name, expected in pairs(model.expected) do
      local wrong = difference(found[name], expected, model.tolerance or runtime.TOLERANCE.f32)
      check(not wrong, ("%s: %s"):format(model.name, name), wrong)
   end
   if model.look then model.look(told, check, found) end
end

local function run(self, check)
   local pipe = io.popen(("%s %s/onnx_run.py '%s' 2>'%s/errors'"):format(python, here, self.folder, self.folder))
   local text = pipe:read "a"
   pipe:close()
   local ok, told = pcall(cjson.decode, text)
   if not check(ok, "onnx_run.py", text .. io.open(self.folder .. "/errors"):read "a") then return end
   for _, model in ipairs(self.models) do
      if not model.failed then compare(self, model, told[model.file], check) end
   end
end

--- Checks that all models were written and, where there is an onnxruntime, what they give there; removes the files.
function Batch:run(check)
   for _, model in ipairs(self.models) do check(not model.failed, model.name .. ": is written", model.failed) end
   if runtime.available() then run(self, check) end
   os.execute(("rm -rf '%s'"):format(self.folder))
end

return runtime
