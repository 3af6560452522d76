-- Whole models in onnxruntime: the five backbones with their heads, and modules of one's own, as scute computes them in
-- evaluation mode.
local scute = require "scute"
local runtime = dofile "tests/export/runtime.lua"

local nn = scute.nn

-- Running statistics and norms as a trained network has them; what is new would hide most mistakes in the folding.
local function lived(model)
   scute.manual_seed(7)
   scute.no_grad(function()
      for _, module in model:named_modules() do
         if nn.Module.is(module, nn.BatchNorm2d) then
            local shape = module.weight.shape
            module.running_mean:copy_(scute.randn(shape) * 0.2)
            module.running_var:copy_(scute.rand(shape) + 0.5)
            module.weight:copy_(scute.rand(shape) + 0.5)
            module.bias:copy_(scute.randn(shape) * 0.2)
         end
      end
   end)
   return model
end

-- What a model gives in evaluation mode; its own mode stays.
local function computed(model, x, forward)
   local training = model.training
   model:eval()
   local y = scute.no_grad(forward or model, x)
   if training then model:train() end
   return y
end

-- Adds a model in the given dtypes ("f32 f16"). shape: of a batch.
local function add(batch, name, model, shape, dtypes, options)
   lived(model)
   local x = scute.randn(shape)
   local expected = { logits = computed(model, x) }
   for dtype in dtypes:gmatch "%S+" do
      batch:add { name = ("%s, %s"):format(name, dtype), inputs = { input = x }, expected = expected,
         tolerance = runtime.TOLERANCE[dtype], save = function(path)
            local o = { dtype = dtype, shape = { table.unpack(shape, 2) } }
            for key, value in pairs(options or {}) do o[key] = value end
            scute.export.onnx(model, path, o)
         end }
   end
end

local function add_backbones(batch)
   for _, name in ipairs { "resnet18", "resnet50", "efficientnet_b0", "efficientnet_b3", "mobilenet_v2" } do
      local model = scute.models[name] { classes = 3, pretrained = "none" }
      add(batch, name, model, { 2, 3, 64, 64 }, name == "resnet18" and "f32 f16" or "f32")
   end
end

-- ---- heads ----

local function small(change)
   local model = dofile "tests/lua/small.lua"(3)
   if change then change(model) end
   return model
end

local function add_heads(batch)
   add(batch, "a frozen backbone", small(function(m) m:freeze "backbone" end), { 3, 3, 16, 16 }, "f32 f16")
   add(batch, "a head with dropout", small(function(m) m:set_dropout(0.5) end), { 1, 3, 16, 16 }, "f32")
   add(batch, "a head of modules", small(function(m)
      m.fc = nn.Sequential(nn.Linear { 8, 6 }, nn.GELU(), nn.Dropout { p = 0.3 }, nn.BatchNorm2d { 6 }, nn.Linear { 6, 3 })
   end), { 5, 3, 16, 16 }, "f32")
end

return function(batch)
   add_backbones(batch)
   add_heads(batch)
end
