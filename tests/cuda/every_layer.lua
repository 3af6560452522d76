-- A training step of a network so small that it can be taken thousands of times, with a layer of each kind: convolution,
-- batch norm, depthwise, squeeze and excitation, dropout, linear; in float16 with the loss scaled; loss, backward, overflow,
-- optimizer.
-- every_layer.kinds: by name, how it is taken; each a function(device) -> what is done before a step and is none of its calls;
-- the step, which returns its numbers as a list of {name, numbers}; and where each step has another shape, what changes it.
local scute = require "scute"
local nn = scute.nn

local every_layer = {}

local PHOTOS, SIDE, CLASSES = 2, 4, 3

local function network(where)
   scute.manual_seed(3)
   return nn.Sequential {
      nn.Conv2d { 3, 8, 3, padding = 1, bias = false }, nn.BatchNorm2d { 8 }, nn.ReLU(),
      nn.Conv2d { 8, 8, 3, padding = 1, groups = 8, bias = false }, nn.BatchNorm2d { 8 }, nn.SiLU(),
      nn.SqueezeExcitation { 8, 4 }, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout { p = 0.2 }, nn.Linear { 8, CLASSES },
   }:to(where)
end

-- All that a step writes, whose first numbers `back` writes again.
local function kept(model, scaler)
   local values, first = {}, {}
   local function add(tensor)
      if tensor.dtype == "i64" then return end -- counters, which change no number
      values[#values + 1], first[#first + 1] = tensor, tensor:detach():clone()
   end
   for _, tensor in model:named_parameters() do add(tensor) end
   for _, tensor in model:named_buffers() do add(tensor) end
   for _, name in ipairs { "scale", "good_steps", "skipped", "found_inf" } do add(scaler[name]) end
   return values, function()
      scute.no_grad(function() scute.average_step { averages = values, values = first, decay = 0 } end)
      for _, tensor in model:named_parameters() do tensor:zero_grad() end
   end
end

local function number(where, value)
   return scute.full({}, value, { device = where })
end

-- What there is before a step: network, a batch, the loss's scale.
local function begin(where)
   local s = { model = network(where), scaler = { scale = number(where, 256), good_steps = number(where, 0),
      skipped = number(where, 0), found_inf = number(where, 0) } }
   s.x = scute.rand(PHOTOS, 3, SIDE, SIDE):to(where)
   s.y = scute.tensor({ 1, 3 }, { dtype = "i64" }):to(where)
   s.values, s.back = kept(s.model, s.scaler)
   return s
end

local function gradients(s)
   local logits <close> = scute.autocast("f16", s.model, s.x)
   local wide <close> = logits:to "f32"
   local loss <close> = wide:cross_entropy(s.y)
   local scaled <close> = loss * s.scaler.scale
   scaled:backward()
end

local function update(s)
   local scaler = s.scaler
   local optimizer = scute.optim.sgd(s.model, { lr = 0.1, momentum = 0.9 })
   optimizer:unscale_grad(scaler.scale, scaler.found_inf)
   scute.scale_update_ { scale = scaler.scale, good_steps = scaler.good_steps, skipped = scaler.skipped,
      found_inf = scaler.found_inf, interval = 1 }
   optimizer.found_inf = scaler.found_inf
   optimizer:step()
end

-- What a step has written, in one copy.
local function numbers(s)
   local parts = {}
   for i, tensor in ipairs(s.values) do parts[i] = tensor:detach():reshape(-1) end
   return { { name = "parameters and statistics", numbers = scute.no_grad(scute.concat, parts):values() } }
end

every_layer.kinds = {}

function every_layer.kinds.step(where)
   local s = begin(where)
   local function ready()
      s.back()
      scute.flush()
   end
   return ready, function()
      scute.manual_seed(4)
      gradients(s)
      update(s)
      return numbers(s)
   end
end

-- Forward and backward are recorded and done again; what cuDNN lists for the convolution and cannot do was found out before,
-- as in training by the updates before the first that is recorded.
function every_layer.kinds.graph(where)
   local s = begin(where)
   local watched = table.move(s.values, 1, #s.values, 3, { s.x, s.y })
   local function ready()
      scute.flush()
      local y <close> = scute.autocast("f16", s.model[1], s.x)
      y:backward(y)
      s.back()
   end
   return ready, function()
      scute.manual_seed(4)
      local recorded <close>, why = scute.record(where, watched, function() gradients(s) end)
      if not recorded then -- a text, which has no kind
         error(why:find("out of memory", 1, true) and scute.error_like("not enough memory", why) or why, 0)
      end
      for _, tensor in s.model:named_parameters() do tensor:zero_grad() end
      assert(recorded:launch(), "the graph does not fit")
      update(s)
      return numbers(s)
   end
end

-- A convolution that comes again, and then is timed, in each of its directions: of another shape each time, since a program
-- times each of them once. What came before the timing may round in another way.
function every_layer.kinds.timed(where)
   local filters, trials, x = scute.randn(8, 8, 3, 3):to(where):requires_grad_(), 0, nil
   local function another()
      scute.manual_seed(trials)
      x = scute.randn(1 + trials % 32, 8, 3 + trials // 32, 3):to(where):requires_grad_()
      trials = trials + 1
   end
   local function pass()
      filters:zero_grad()
      x:zero_grad()
      local y = x:conv2d(filters)
      local squares <close> = y * y
      local loss <close> = squares:sum()
      loss:backward()
      return y
   end
   return scute.flush, function()
      pass():free()
      local y <close> = pass()
      return { { name = "result", numbers = y:detach():values() },
         { name = "gradient of the input", numbers = x.grad:values() },
         { name = "gradient of the filters", numbers = filters.grad:values() } }
   end, another
end

return every_layer
