-- Batch norm of a batch that is shared out among processes, as op and as layers, beside the whole batch in each of them alone.
-- Prints what does not agree, and how many cases there were. Run by tests/world/sync.lua; usage: scute --nproc 2
-- tests/world/sync_ops.lua cpu,ref [figures]
local scute = require "scute"
local nn = scute.nn
local conv_bn_act = require("scute.nn.conv").conv_bn_act
local world = scute.world
local rank, size = world.rank, world.size

local DEVICES, FIGURES = arg[1], arg[2] == "figures"
local N, C = 7, 6
local SHARES = { { 7 }, { 5, 2 }, { 4, 1, 2 } }       -- photos of each process, by how many there are
local BESIDE = { { 7 }, { 7, 7 }, { 4, 3, 4 } }       -- the same where the last one only joins, with photos of the first
local ROOM = { f32 = 1e-6, bf16 = 2 ^ -7, f16 = 2 ^ -9 } -- of what is in half width a number may be the next one
local MOMENTUM = 0.3

local cases, wrong, worst = 0, 0, { f32 = 0, bf16 = 0, f16 = 0 }

local function fail(format, ...)
   wrong = wrong + 1
   print(format:format(...))
end

-- ---- numbers ----

local function biggest(t)
   return t:to("f64"):abs():max():item()
end

local function agree(what, dtype, found, wanted, room)
   local apart = biggest(found:to "f64" - wanted:to "f64") / math.max(1, biggest(wanted))
   local fits = apart <= (room or ROOM[dtype]) -- a NaN does not
   if not fits then fail("%s: it differs by %g", what, apart) end
   worst[dtype] = math.max(worst[dtype], apart)
end

local function rows(t, from, to)
   return t and scute.slice(t, 1, from, to)
end

local function random(shape, device, dtype)
   return scute.randn(shape):to(device):to(dtype or "f32")
end

-- ---- one way of computing ----

-- The layers of a case, alike in all processes; the last is the norm.
local function layers_of(device, with_conv)
   scute.manual_seed(5)
   local bn = nn.BatchNorm2d { C, device = device, momentum = MOMENTUM }
   scute.no_grad(function()
      bn.weight:copy_(scute.tensor({ 0.5, 1, -1, 2, 1.5, 0.1 }, { device = device }))
      bn.bias:copy_(scute.tensor({ 0, 0.5, -1, 0.2, 1, 3 }, { device = device }))
   end)
   if not with_conv then return { bn } end
   return { nn.Conv2d { C, C, 3, padding = 1, bias = false, device = device }, bn }
end

local function as_op(bn, act, x, residual)
   bn:begin_batch()
   return scute.batch_norm { x = x, weight = bn.weight, bias = bn.bias, running_mean = bn.running_mean,
      running_var = bn.running_var, residual = residual, training = true, momentum = MOMENTUM, act = act,
      synchronised = bn:joins() }
end

local function leaf(t)
   return t and t:detach():clone():requires_grad_()
end

-- y and gradients of sum(y * weights) through layers.
local function run(layers, act, x, residual, weights)
   local bn = layers[#layers]
   x, residual = leaf(x), leaf(residual)
   local y = #layers == 1 and as_op(bn, act, x, residual) or conv_bn_act(layers[1], bn, act, x, residual)
   local loss = (y:to "f32" * weights):sum()
   loss:backward()
   local found = { y = y:detach(), gx = x.grad, gr = residual and residual.grad, mean = bn.running_mean, var = bn.running_var,
      of_parameters = {} }
   for _, layer in ipairs(layers) do
      for name, parameter in layer:named_parameters() do
         table.insert(found.of_parameters, { layer.class_name .. "." .. name, parameter.grad })
      end
   end
   return found
end

-- ---- cases ----

local function compare_statistics(what, whole, own)
   agree(what .. ", running mean", "f32", own.mean, whole.mean)
   agree(what .. ", running variance", "f32", own.var, whole.var)
   if #world.differing(scute.checksum { own.mean, own.var }) > 0 then fail("%s: statistics are not the same bits", what) end
end

local function compare(what, dtype, whole, own, from, to, room)
   agree(what .. ", y", dtype, own.y, rows(whole.y, from, to), room)
   agree(what .. ", gradient of x", dtype, own.gx, rows(whole.gx, from, to), room)
   if whole.gr then agree(what .. ", gradient of the residual", dtype, own.gr, rows(whole.gr, from, to)) end
end

local function compare_parameters(what, dtype, whole, own, room)
   for i, entry in ipairs(whole.of_parameters) do
      local sum = world.all_reduce(own.of_parameters[i][2])
      agree(("%s, gradient of %s"):format(what, entry[1]), dtype, sum, entry[2], room)
   end
end

local function range_of(shares)
   local from = 1
   for r = 1, rank do from = from + shares[r] end
   return from, from + shares[rank + 1] - 1
end

-- c: device, dtype, act, block (conv_bn_act of layers), residual, shape, far (the mean of x, in deviations), room, beside (the
-- last process only joins)
local function case(c)
   local what = {}
   for _, name in ipairs { "device", "dtype", "act", "block", "residual", "far", "beside" } do
      if c[name] then what[#what + 1] = c[name] == true and name or tostring(c[name]) end
   end
   what = table.concat(what, " ")
   scute.manual_seed(3)
   local shape = c.shape or { N, C, 5, 3 }
   local x = (scute.randn(shape) * 2 + 0.5 + 2 * (c.far or 0)):to(c.device):to(c.dtype)
   local residual, weights = c.residual and random(shape, c.device, c.dtype), random(shape, c.device)
   local alone, together = layers_of(c.device, c.block), layers_of(c.device, c.block)
   local counts = not c.beside or rank < size - 1 or size == 1
   together[#together].synchronised = counts or "others"
   local whole = run(alone, c.act, x, residual, weights)
   local from, to = range_of(c.beside and BESIDE[size] or SHARES[size])
   if not counts then from, to = 1, BESIDE[size][1] end
   local own = run(together, c.act, rows(x, from, to), rows(residual, from, to), rows(weights, from, to) * (counts and 1 or 0))
   if counts then
      compare(what, c.dtype, whole, own, from, to, c.room)
   elseif biggest(own.gx) ~= 0 then
      fail("%s: what counts nothing has a gradient", what)
   end
   for _, entry in ipairs(counts and {} or own.of_parameters) do
      if biggest(entry[2]) ~= 0 then fail("%s: what counts nothing has a gradient of %s", what, entry[1]) end
   end
   compare_parameters(what, c.dtype, whole, own, c.room)
   compare_statistics(what, whole, own)
   cases = cases + 1
end

local function all_of(device, dtype)
   for _, act in ipairs(require("scute.nn.fused").choices) do
      case { device = device, dtype = dtype, act = act }
      case { device = device, dtype = dtype, act = act, residual = true }
      -- In half width, and TF32, the convolutions of a share and of the whole batch may round otherwise.
      local is_exact = dtype == "f32" and device ~= "cuda"
      if is_exact then case { device = device, dtype = dtype, act = act, residual = true, block = true } end
   end
   case { device = device, dtype = dtype, act = "relu", shape = { N, C } }
   case { device = device, dtype = dtype, act = "none", beside = true }
   case { device = device, dtype = dtype, act = "silu", beside = true, residual = true }
end

-- In evaluation, and frozen, nobody is met: one process calls it alone.
local function alone(device)
   local bn = layers_of(device)[1]
   bn.synchronised = true
   bn:eval()
   bn(random({ 2, C, 3, 3 }, device))
   bn:train()
   bn:freeze()
   bn(random({ 1, C, 1, 1 }, device))
end

for device in DEVICES:gmatch "[^,]+" do
   all_of(device, "f32")
   if device ~= "ref" then
      all_of(device, "bf16")
      case { device = device, dtype = "f16", act = "silu", residual = true }
   end
   -- A mean and an x of 50 deviations, each rounded to float32, are subtracted.
   case { device = device, dtype = "f32", act = "none", far = 50, room = 6e-6 }
   case { device = device, dtype = "f32", act = "relu", shape = { N, C, 24, 24 } }
   if rank == 0 then alone(device) end
   world.barrier()
end
print(("%d cases, %d wrong%s"):format(cases, wrong,
   FIGURES and ("; f32 %.2g, bf16 %.2g"):format(worst.f32, worst.bf16) or ""))
