-- Parameters that stand under two names: each trains once, and stays one.
local scute = require "scute"
local average = require "scute.train.average"
local nn, optim = scute.nn, scute.optim

local Tied = nn.Module:extend "Tied"

function Tied:build()
   self.first = nn.Linear { 2, 2, bias = false }
   self.second = nn.Linear { 2, 2, bias = false }
   self.second.weight = self.first.weight
end

function Tied:forward(x)
   return self.second(self.first(x))
end

local function names(iterator)
   local list = {}
   for name in iterator do list[#list + 1] = name end
   return list
end

-- A tied module with all weights 1 and gradients.
local function with_gradients()
   local module = Tied()
   scute.no_grad(function() module.first.weight:fill_(1) end)
   module(scute.ones(1, 2)):sum():backward()
   return module
end

describe("a tensor under two names", function()
   it("is told once, under its first name, and saved under both", function()
      local module = Tied()
      assert.same({ "first.weight" }, names(module:named_parameters()))
      assert.equal(1, #module:parameters())
      assert.equal(4, module:num_parameters())
      assert.same({ "first.weight", "second.weight" }, module:state_dict().names)
      local groups = module:groups { lr = 1 }
      assert.same({ 4, 0 }, { groups[1].count, groups[2].count })
      local layer = nn.Linear(2, 2)
      assert.same({ "0.weight", "0.bias" }, names(nn.Sequential { layer, layer }:named_parameters()))
      local norm = nn.BatchNorm2d(2)
      assert.equal(3, #names(nn.Sequential { norm, norm }:named_buffers()))
   end)

   it("takes one step, and counts once among gradients", function()
      for _, make in ipairs { optim.sgd, optim.adamw, optim.rmsprop } do
         local tied, plain = with_gradients(), with_gradients()
         local of_model = make(tied:groups { lr = 0.1 })
         local of_list = make({ plain.first.weight }, { lr = 0.1 })
         assert.equal(of_list:grad_norm(), of_model:grad_norm())
         for _, optimizer in ipairs { of_model, of_list } do
            optimizer:scale_grad(0.5)
            optimizer:clip_grad_norm(1)
            optimizer:step()
         end
         assert.same(plain.first.weight:values(), tied.first.weight:values())
      end
   end)

   it("is in one group of an optimizer", function()
      local w = scute.ones(1):requires_grad_()
      local function group(name) return { name = name, lr = 1, parameters = { { name .. ".weight", w } } } end
      assert.error_matches(function() optim.sgd { group "a", group "b" } end,
         "optim.sgd: 'b.weight' and 'a.weight' are one tensor, which would be stepped twice")
      assert.error_matches(function() optim.sgd({ w, w }, { lr = 1 }) end, "'2' and '1' are one tensor")
   end)

   it("is frozen under each of its names", function()
      local module = Tied()
      module:freeze "second"
      assert.is_false(module.first.weight.requires_grad)
      module:unfreeze "second.weight"
      assert.is_true(module.first.weight.requires_grad)
   end)

   it("stays one where the module moves", function()
      local module = Tied():to "f64"
      assert.equal("f64", module.second.weight.dtype)
      assert.is_true(rawequal(module.first.weight, module.second.weight))
      local layer = nn.BatchNorm2d(2)
      local both = nn.Sequential { layer, layer }:to "f64"
      assert.is_true(rawequal(both[1].running_mean, both[2].running_mean))
   end)

   it("has its weights again after its averages", function()
      local module = Tied()
      local kept = average.new(module, 0.5)
      kept:update(1)
      scute.no_grad(function() module.first.weight:fill_(3) end)
      kept.tensors["second.weight"] = kept.tensors["first.weight"]:clone() -- as one that was saved may have it
      kept:within(function() assert.not_same({ 3, 3, 3, 3 }, module.second.weight:values()) end)
      assert.same({ 3, 3, 3, 3 }, module.second.weight:reshape(-1):values())
   end)
end)
