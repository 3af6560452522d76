-- The networks of examples/gelu_mlp.lua and examples/convnext_block.lua on a GPU against PyTorch in float64
-- (tests/golden/make_parity.py): logits, gradients and the losses of ten steps in float32; in half width logits and gradients
-- no more than 3 times as far off as the CPU's of the same width, whose roundings are the same in another order.
-- Usage: scute tests/cuda/examples.lua [DEVICE]
local scute = require "scute"
local json = require "cjson"
local parity = dofile "tests/lua/parity.lua"
local tally = dofile "tests/tally.lua"
local nn, check = scute.nn, tally.check

local device = arg[1] or "cuda"
scute.tf32(false) -- what is compared is float32
local ROOM = 3

local networks = {
   convnext_block = function(classes) return require "examples.convnext_block"(16, classes, 1e-6) end,
   gelu_mlp = function(classes) return nn.Sequential(nn.Flatten(), require "examples.gelu_mlp" { 192, 64, classes }) end,
}

local function build(name, where)
   local golden, facts = parity.golden(name)
   local shape, classes = json.decode(facts.shape), tonumber(facts.classes)
   local labels = {}
   for i = 1, shape[1] do labels[i] = (i - 1) % classes + 1 end
   return { model = parity.fill(nn.init.skip(networks[name], classes)):to(where), golden = golden, facts = facts,
      x = parity.images(shape, where, "f32"), y = scute.tensor(labels, { dtype = "i64", device = where }) }
end

-- Forward and backward in a width; the logits.
local function learn(b, width)
   b.model:zero_grad()
   return scute.autocast(width, function()
      local logits = b.model(b.x)
      local loss = logits:cross_entropy(b.y)
      loss:backward()
      return logits, loss:item()
   end)
end

-- How far logits and gradients of the first step are from float64.
local function errors(name, where, width)
   local b = build(name, where)
   local off, size = parity.difference(learn(b, width):values(), b.golden.logits)
   return off / size, parity.gradients(b.model, json.decode(b.facts.parameters), b.golden.norms, b.golden.samples), b.facts
end

local function losses(name)
   local b = build(name, device)
   local optimizer = scute.optim.sgd(b.model:groups { lr = 0.01 }, { momentum = 0.9, weight_decay = 1e-4, decay_norms = true })
   for step, expected in ipairs(b.golden.losses:values()) do
      local _, loss = learn(b, "f32")
      check(math.abs(loss - expected) <= 5e-5, ("%s: loss of step %d"):format(name, step), loss - expected)
      optimizer:step()
   end
end

for _, name in ipairs { "convnext_block", "gelu_mlp" } do
   local logits, gradients, facts = errors(name, device, "f32")
   check(logits <= 1e-5, name .. ": logits", logits)
   check(gradients <= ROOM * tonumber(facts.float32_distance), name .. ": gradients", gradients)
   losses(name)
   for _, width in ipairs { "f16", "bf16" } do
      local found, found_gradients = errors(name, device, width)
      local logits_of_cpu, gradients_of_cpu = errors(name, "cpu", width)
      check(found <= ROOM * logits_of_cpu, ("%s, %s: logits"):format(name, width), found)
      check(found_gradients <= ROOM * gradients_of_cpu, ("%s, %s: gradients"):format(name, width), found_gradients)
   end
end
tally.finish()
