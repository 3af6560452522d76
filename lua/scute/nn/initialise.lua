-- How weights start: PyTorch's initialisations, drawn from scute's counter-based generator (scute.manual_seed).
local scute = require "scute.core"
local public = require "scute.base.public"

local init = {}

local enabled = true

-- Runs build(...) with all drawing of starting values switched off, for a model whose values are about to be loaded.
function init.skip(build, ...)
   local before = enabled
   enabled = false
   local results = table.pack(pcall(build, ...))
   enabled = before
   if not results[1] then error(results[2], 0) end
   return table.unpack(results, 2, results.n)
end

-- Whether that is so now: then weight files are not read either.
function init.is_skipped()
   return not enabled
end

local device = "cpu"

-- The device on which layers are made where nothing else is said.
function init.device()
   return device
end

-- What layers with parameters take beside their sizes.
init.WHERE = {
   { "dtype", "f32", text = true, suggests = { "f32", "f64", "f16", "bf16" }, help = "the dtype of the parameters" },
   { "device", init.device, show = "cpu", text = true, suggests = { "cpu", "cuda", "ref", "shape" }, help = "where they lie" },
}

-- Runs build(...) with layers made on a device, and without drawing starting values: on "shape" a model of any size is
-- there at once, to be counted and printed.
function init.on(name, build, ...)
   local before = device
   device = name
   local results = table.pack(pcall(init.skip, build, ...))
   device = before
   if not results[1] then error(results[2], 0) end
   return table.unpack(results, 2, results.n)
end

-- Inputs and outputs that one value of a weight (O, I, kernel...) is connected to, as PyTorch counts them.
local function fans(t)
   local shape = t.shape
   local receptive = 1
   for d = 3, #shape do receptive = receptive * shape[d] end
   return shape[2] * receptive, shape[1] * receptive
end

local function write(t, values)
   scute.no_grad(function() t:copy_(values) end)
   values:free()
   return t
end

-- t ~ U(low, high). Returns t.
function init.uniform(t, low, high)
   if not enabled then return t end
   local drawn <close> = scute.rand(t.shape)
   local scaled <close> = drawn * (high - low)
   return write(t, scaled + low)
end

-- t ~ N(mean, deviation^2). Returns t.
function init.normal(t, mean, deviation)
   if not enabled then return t end
   local drawn <close> = scute.randn(t.shape)
   local scaled <close> = drawn * deviation
   return write(t, scaled + mean)
end

-- N(0, 2 / fan_out), for layers before a ReLU (He et al. 2015, mode fan_out): torchvision's choice for convolutions.
function init.kaiming_normal(t)
   local _, fan_out = fans(t)
   return init.normal(t, 0, math.sqrt(2 / fan_out))
end

-- U(-b, b) with b = 1 / sqrt(fan_in): PyTorch's default for Linear and Conv2d (Kaiming uniform with a = sqrt(5)).
function init.kaiming_uniform(t)
   local bound = 1 / math.sqrt((fans(t)))
   return init.uniform(t, -bound, bound)
end

-- U(-b, b) with b = sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010).
function init.xavier_uniform(t)
   local fan_in, fan_out = fans(t)
   local bound = math.sqrt(6 / (fan_in + fan_out))
   return init.uniform(t, -bound, bound)
end

-- t = value. Returns t.
function init.constant(t, value)
   if enabled then scute.no_grad(function() t:fill_(value) end) end
   return t
end

-- The bias that PyTorch gives a layer with this weight: U(-b, b), b = 1 / sqrt(fan_in of the weight).
function init.bias_for(bias, weight)
   local bound = 1 / math.sqrt((fans(weight)))
   return init.uniform(bias, -bound, bound)
end

-- What --head_init and head_init = offer, by name: each sets a Linear's weight and bias.
local heads = {
   ["kaiming uniform"] = function(linear)
      init.kaiming_uniform(linear.weight)
      if linear.bias then init.bias_for(linear.bias, linear.weight) end
   end,
   ["xavier uniform"] = function(linear)
      init.xavier_uniform(linear.weight)
      if linear.bias then init.constant(linear.bias, 0) end
   end,
   ["normal 0.01"] = function(linear)
      init.normal(linear.weight, 0, 0.01)
      if linear.bias then init.constant(linear.bias, 0) end
   end,
   ["normal 0.02"] = function(linear) -- ConvNeXt
      init.normal(linear.weight, 0, 0.02)
      if linear.bias then init.constant(linear.bias, 0) end
   end,
   ["uniform fan_out"] = function(linear) -- torchvision's EfficientNet
      local _, fan_out = fans(linear.weight)
      local bound = 1 / math.sqrt(fan_out)
      init.uniform(linear.weight, -bound, bound)
      if linear.bias then init.constant(linear.bias, 0) end
   end,
   zeros = function(linear)
      init.constant(linear.weight, 0)
      if linear.bias then init.constant(linear.bias, 0) end
   end,
}
init.HEADS = { "kaiming uniform", "xavier uniform", "normal 0.01", "normal 0.02", "uniform fan_out", "zeros" }

-- The full name of an initialisation in init.HEADS: underscores and hyphens count as blanks, and "normal" is
-- "normal 0.01". An unknown name is an error with the nearest one.
function init.check_head(name)
   local wanted = tostring(name):gsub("[_-]", " ")
   if wanted == "normal" then wanted = "normal 0.01" end
   if wanted == "uniform fan out" then wanted = "uniform fan_out" end
   if heads[wanted] then return wanted end
   local near = scute.nearest(wanted, init.HEADS)
   error(("unknown initialisation '%s'%s; expected one of %s"):format(tostring(name),
      near and ("; did you mean '%s'?"):format(near) or "", table.concat(init.HEADS, ", ")), 0)
end

-- Sets a Linear by the name of an initialisation. Returns the full name.
function init.head(linear, name)
   local wanted = init.check_head(name)
   heads[wanted](linear)
   return wanted
end

public.hide(init, "skip", "is_skipped", "device", "on", "constant", "bias_for", "check_head", "head")
return init
