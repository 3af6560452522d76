-- One training step of a small net through every op: forward and backward in mixed precision with the loss scaled, gradients
-- unscaled and clipped, three optimizers, an average of the weights, an evaluation, values read at once and later. What all
-- ops compute comes back as plain numbers: every_op.step(device) -> list of {name, numbers}.
--
-- every_op.missing() names the ops that a step did not run on a GPU, so that a new one cannot be forgotten here.
--
-- What the net does not use comes from the case tables: the first case of the op, without more ado.
local tables = (debug.getinfo(1, "S").source:match "^@(.*)/" or ".") .. "/../ops"
package.path = tables .. "/lib/?.lua;" .. package.path

local cases = require "cases"
local execute = require "execute"
local scute = require "scute"

local every_op = {}

-- Those that have no kernel of their own: they are made of others.
local COMPOSITE = { conv_bn_act = true, cosine_similarity = true, flatten = true, group_norm = true, layer_norm = true,
   mlp = true, select = true, squeeze = true, to_device = true, transpose = true, unsqueeze = true }
-- Those whose backward is made of other ops, or of zeros.
local BACKWARD_OF_OPS = { concat = true, neg = true, permute = true, reshape = true, to = true, sign = true, floor = true,
   ceil = true, round = true, floor_divide = true,
   flip = true, roll = true, tile = true, expand = true, stack = true }

local COMPARISONS = { "eq", "ne", "lt", "le", "gt", "ge" }

-- ---- ops by themselves, as their tables have them, in float32 ----

-- What the net below uses, and what is tried with it.
local IN_THE_NET = {}
for name in ([[conv2d conv2d_folded batch_norm squeeze_excitation stochastic_depth dropout linear cross_entropy max_pool2d
   avg_pool2d global_avg_pool2d slice index_select permute reshape matmul sum mean max min concat to]]):gmatch "%S+" do
   IN_THE_NET[name] = true
end

-- The first case of each other op that is differentiable.
local function first_cases()
   local list, seen = {}, {}
   for _, family in ipairs(cases.families(tables)) do
      for _, case in ipairs(cases.load(tables, family, scute.op_info)) do
         local left_out = seen[case.op] or not case.differentiable or COMPOSITE[case.op] or IN_THE_NET[case.op]
         seen[case.op] = true
         if not left_out then list[#list + 1] = case end
      end
   end
   return list
end

local FIRST_CASES = first_cases()

-- All of them in one backward: results and gradients, one after the other.
local function by_themselves(where)
   local results, inputs, sum = {}, {}, 0
   for _, case in ipairs(FIRST_CASES) do
      local named, tensors = execute.arguments(case, where, "f32")
      local outputs = table.pack(scute[case.op](named))
      for k = 1, outputs.n do
         results[#results + 1] = outputs[k]:reshape(-1)
         if outputs[k].requires_grad then sum = sum + outputs[k]:sum() end
      end
      for i, entry in ipairs(case.flat) do inputs[#inputs + 1] = entry.grad and tensors[i] or nil end
   end
   sum:backward()
   for _, input in ipairs(inputs) do results[#results + 1] = input.grad:reshape(-1) end
   return scute.concat(results)
end

-- A parameter or an input, the same numbers each time.
local function drawn(where, shape, options)
   local t = scute.randn(shape)
   if options and options.positive then t = t:abs() + 0.5 end
   t = t * (options and options.scale or 1)
   t = t:to(where)
   return options and options.fixed and t or t:requires_grad_()
end

-- ---- shape and reducing ops, in float32 ----

local function parts_of_everything(p)
   local a, b, parts = p.a, p.b, {}
   local function add(t) parts[#parts + 1] = t:reshape(-1) end
   add(b + a[1]) -- summed up in backward
   add(a:slice(2, 1, 4, 2))
   add(a:index_select(1, p.indices))
   add(a:permute(2, 1))
   add(a:reshape(1, 3, 2, 2)) -- rank 4 lies in another order
   add(a:transpose(1, 2))
   add(a:flatten():select(1, 3))
   add(a:matmul(b:permute(2, 1)))
   add(a:reshape(2, 2, 3):matmul(b:reshape(2, 3, 2)))
   for _, op in ipairs { "sum", "mean", "max", "min" } do add(scute[op](a, 2)) end
   return scute.concat(parts)
end

local function whole_numbers(p)
   local masks = {}
   for i, op in ipairs(COMPARISONS) do masks[i] = scute[op](p.a, p.b):reshape(-1) end
   return scute.concat(masks):to "i64", p.a:argmax(2), p.a:argmin(1), p.a:lt(1):any(2), p.a:all(), p.a:argsort(2),
      p.a:unique(), p.indices:bincount(), p.a:detach():abs():multinomial(2), scute.one_hot(p.indices)
end

-- ---- a net ----

local function norm(where, channels)
   return { weight = drawn(where, { channels }, { positive = true }), bias = drawn(where, { channels }),
      mean = scute.zeros(channels, { device = where }), var = scute.ones(channels, { device = where }) }
end

local function parameters(where)
   return {
      a = drawn(where, { 3, 4 }), b = drawn(where, { 3, 4 }, { positive = true }),
      indices = scute.tensor({ 3, 1, 1 }, { dtype = "i64" }):to(where),
      conv = drawn(where, { 8, 3, 3, 3 }, { scale = 0.3 }), conv_bias = drawn(where, { 8 }), norm1 = norm(where, 8),
      depthwise = drawn(where, { 8, 1, 3, 3 }), norm2 = norm(where, 8),
      pointwise = drawn(where, { 8, 8, 1, 1 }, { scale = 0.3 }),
      squeeze = drawn(where, { 4, 8, 1, 1 }), squeeze_bias = drawn(where, { 4 }),
      excite = drawn(where, { 8, 4, 1, 1 }), excite_bias = drawn(where, { 8 }),
      head = drawn(where, { 5, 8 }, { scale = 0.3 }), head_bias = drawn(where, { 5 }),
   }
end

-- Without the ReLU the norm would take the bias off again, whose gradient would be nothing but rounding.
local function block(p, x)
   local y = scute.conv2d(x, p.conv, p.conv_bias, { padding = 1 }):relu()
   y = scute.batch_norm(y, { weight = p.norm1.weight, bias = p.norm1.bias, running_mean = p.norm1.mean,
      running_var = p.norm1.var, training = true, act = "silu" })
   local z = scute.conv_bn_act(y, { weight = p.depthwise, groups = 8, padding = 1, bn_weight = p.norm2.weight,
      bn_bias = p.norm2.bias, running_mean = p.norm2.mean, running_var = p.norm2.var, training = true, act = "relu" })
   z = scute.squeeze_excitation(z, p.squeeze, p.squeeze_bias, p.excite, p.excite_bias)
   return scute.stochastic_depth(scute.conv2d(z, p.pointwise), y, { p = 0.3 })
end

local function logits(p, x)
   local y = block(p, x):max_pool2d(2):avg_pool2d(2):global_avg_pool2d():flatten(2)
   return y:dropout { p = 0.2 }:linear(p.head, p.head_bias)
end

local function evaluate(p, x)
   return scute.no_grad(function()
      return scute.conv2d_folded(x, { weight = p.conv, bias = p.conv_bias, bn_weight = p.norm1.weight, bn_bias = p.norm1.bias,
         running_mean = p.norm1.mean, running_var = p.norm1.var, padding = 1, act = "relu6" })
   end)
end

-- ---- what comes after backward ----

local TRAINED = { "a", "b", "conv", "conv_bias", "depthwise", "pointwise", "squeeze", "squeeze_bias", "excite", "excite_bias",
   "head", "head_bias" }

local function zeros_like(tensors)
   local list = {}
   for i, t in ipairs(tensors) do list[i] = scute.zeros(t.shape, { device = t.device }) end
   return list
end

-- Some of the parameters, and their gradients.
local function group(p, from, to)
   local params, grads = {}, {}
   for i = from, to do
      params[#params + 1] = p[TRAINED[i]]
      grads[#grads + 1] = p[TRAINED[i]].grad
   end
   return params, grads
end

local function clip(grads)
   local length = scute.list_norm(grads)
   scute.list_clip { tensors = grads, norm = length, limit = 1 }
   scute.list_scale(grads, 0.5)
   scute.list_clamp(grads, 0.4)
   return length
end

local function update(p, found_inf)
   local params, grads = group(p, 1, 4)
   scute.sgd_step { params = params, grads = grads, momenta = zeros_like(params), found_inf = found_inf, lr = 0.1,
      momentum = 0.9, first = true }
   params, grads = group(p, 5, 8)
   scute.adamw_step { params = params, grads = grads, exp_avg = zeros_like(params), exp_avg_sq = zeros_like(params),
      found_inf = found_inf, lr = 0.1, step = 1 }
   params, grads = group(p, 9, #TRAINED)
   scute.rmsprop_step { params = params, grads = grads, square_avg = zeros_like(params), found_inf = found_inf, lr = 0.01 }
   local averages = zeros_like(params)
   scute.average_step { averages = averages, values = params, found_inf = found_inf, decay = 0.9 }
   return averages
end

-- ---- the step ----

local function numbers(where, value)
   return scute.full({}, value, { device = where })
end

local function photos(where)
   local bytes = (scute.rand(2, 3, 8, 8) * 255):to("u8"):to(where)
   local mean, std = scute.tensor { 0.485, 0.456, 0.406 }, scute.tensor { 0.229, 0.224, 0.225 }
   return scute.normalize_photos(bytes, mean:to(where), std:to(where))
end

local function train(where, record)
   local p = parameters(where)
   local x = photos(where)
   local targets = scute.tensor({ 2, 5 }, { dtype = "i64" }):to(where)
   local scale, good_steps, skipped, found_inf = numbers(where, 256), numbers(where, 0), numbers(where, 0), numbers(where, 0)
   local parts, others = parts_of_everything(p), by_themselves(where)
   local y = scute.autocast("f16", logits, p, x)
   local loss = (y:to("f32"):cross_entropy(targets) + parts:sum()) * scale
   loss:backward()
   record("parts", parts)
   record("ops by themselves", others)
   record("logits", y)
   for _, each in ipairs { whole_numbers(p) } do record("whole numbers", each) end
   local _, grads = group(p, 1, #TRAINED)
   scute.unscale_(grads, scale, found_inf)
   local overflow <close> = found_inf:later()
   scute.scale_update_ { scale = scale, good_steps = good_steps, skipped = skipped, found_inf = found_inf, interval = 1 }
   record("gradient norm", clip(grads))
   record("averages", update(p, found_inf)[1])
   for _, name in ipairs(TRAINED) do
      record(name, p[name])
      record("gradient of " .. name, p[name].grad)
   end
   -- batch norm on a GPU does this by itself, unless it is widened
   scute.running_update { running_mean = p.norm1.mean, running_var = p.norm1.var, batch_mean = p.norm2.mean,
      batch_var = p.norm2.var }
   for _, each in ipairs { p.norm1, p.norm2 } do
      record("running mean", each.mean)
      record("running variance", each.var)
   end
   record("scale", scale)
   record("overflow", overflow:get())
   record("evaluation", evaluate(p, x))
   -- large enough for the way that large tensors take up and down
   record("a large tensor", drawn(where, { 17000 }, { fixed = true }):fill_(3))
   record("a large tensor's half", drawn(where, { 17000 }, { fixed = true }) * 0.5)
end

--- One step on a device, from the same numbers each time.
function every_op.step(where)
   local results = {}
   scute.manual_seed(7)
   train(where, function(name, t) results[#results + 1] = { name = name, numbers = t:detach():values() } end)
   return results
end

--- Names of the ops, and of backwards, that ran nowhere on `device` since scute.profile "reset".
function every_op.missing(device)
   local forward, backward, list = {}, {}, {}
   for _, row in ipairs(scute.profile()) do
      if row.device == device then
         forward[row.op], backward[row.op] = row.forward_calls > 0, row.backward_calls > 0
      end
   end
   for _, op in ipairs(scute.ops()) do
      if not COMPOSITE[op] then
         if not forward[op] then list[#list + 1] = op end
         local has_backward = scute.op_info(op).differentiable and not BACKWARD_OF_OPS[op]
         if has_backward and not backward[op] then list[#list + 1] = op .. " (backward)" end
      end
   end
   return list
end

return every_op
