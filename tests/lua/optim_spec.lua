local scute = require "scute"
local nn, optim = scute.nn, scute.optim

local function compare(expected, found)
   assert.equal(#expected, #found)
   for i, v in ipairs(expected) do
      -- float32 after a few steps from values of about 1
      assert.is_true(math.abs(v - found[i]) <= 2e-6 * math.max(1, math.abs(v)), ("%g, expected %g"):format(found[i], v))
   end
end

local function train(make, steps)
   local w = scute.tensor({ { 1, 2 }, { 3, 4 } }, { requires_grad = true })
   local b = scute.tensor({ 0.5, -0.5 }, { requires_grad = true })
   local opt = make { w, b }
   for _ = 1, steps do
      opt:zero_grad()
      local loss = (w * w + b):sum()
      loss:backward()
      opt:step()
   end
   local found = w:values()
   table.move(b:values(), 1, 2, 5, found)
   return found, opt
end

describe("optimizers", function()
   -- The same three steps in PyTorch 2: loss = (w * w + b).sum(), w = [[1, 2], [3, 4]], b = [0.5, -0.5].
   local golden = require "cjson".decode(assert(io.open "tests/golden/parity/optim.json"):read "a")
   local makers = {
      sgd = function(p) return optim.sgd(p, { lr = 0.1 }) end,
      sgd_momentum = function(p) return optim.sgd(p, { lr = 0.1, momentum = 0.9, weight_decay = 0.01 }) end,
      sgd_nesterov = function(p) return optim.sgd(p, { lr = 0.1, momentum = 0.9, nesterov = true }) end,
      adam = function(p) return optim.adam(p, { lr = 0.1, weight_decay = 0.1 }) end,
      adamw = function(p) return optim.adamw(p, { lr = 0.1, weight_decay = 0.1, decay_norms = true }) end,
      adamw_no_vectors = function(p) return optim.adamw(p, { lr = 0.1, weight_decay = 0.1 }) end,
   }
   for name, make in pairs(makers) do
      it("step as PyTorch's do: " .. name, function()
         compare(golden[name], (train(make, 3)))
      end)
   end

   it("leave frozen parameters alone: no step, no decay, no norm", function()
      local net = nn.Sequential { nn.Linear { 3, 3 }, nn.Linear { 3, 2 } }
      local opt = optim.adamw(net:groups { lr = 0.1 }, { weight_decay = 0.5 })
      net(scute.ones(1, 3)):sum():backward()
      local all = opt:grad_norm()
      net:freeze "0"
      local before = net[1].weight:values()
      assert.is_true(opt:grad_norm() < all)
      opt:step()
      assert.same(before, net[1].weight:values())
      assert.is_nil(opt:state_dict().steps["0.weight"])
      assert.equal(1, opt:state_dict().steps["1.weight"])
   end)

   it("keep state by name when parts are unfrozen later", function()
      local net = nn.Sequential { nn.Linear { 3, 3 }, nn.Linear { 3, 2 } }
      net:freeze "0"
      local opt = optim.adamw(net:groups { lr = 0.1 })
      local function step()
         opt:zero_grad()
         net(scute.ones(1, 3)):sum():backward()
         opt:step()
      end
      step()
      net:unfreeze "0"
      step()
      assert.same({ ["0.weight"] = 1, ["0.bias"] = 1, ["1.weight"] = 2, ["1.bias"] = 2 }, opt:state_dict().steps)
   end)

   it("continue exactly after a resume", function()
      local function net_and_optimizer()
         scute.manual_seed(4)
         local net = nn.Linear { 3, 2 }
         return net, optim.adamw(net:groups { lr = 0.05 })
      end
      local function step(net, opt)
         opt:zero_grad()
         local loss = (net(scute.ones(2, 3)) ^ 2):sum()
         loss:backward()
         opt:step()
      end
      local net, opt = net_and_optimizer()
      step(net, opt)
      local again, resumed = net_and_optimizer()
      again:load_state_dict(net:state_dict())
      resumed:load_state_dict(opt:state_dict())
      step(net, opt)
      step(again, resumed)
      assert.same(net.weight:values(), again.weight:values())
      assert.error_matches(function() optim.sgd(net, { lr = 1 }):load_state_dict(opt:state_dict()) end, "optim.adamw")
   end)

   it("clip the norm of the gradients", function()
      local w = scute.tensor({ 3, 4 }, { requires_grad = true })
      local opt = optim.sgd({ w }, { lr = 1 })
      local loss = (w * w * 0.5):sum()
      loss:backward()
      assert.equal(5, opt:clip_grad_norm(1))
      compare({ 0.6, 0.8 }, w.grad:values())
      assert.equal(opt:grad_norm(), opt:clip_grad_norm(10))
   end)

   it("have a learning rate per group", function()
      local model = scute.nn.init.skip(scute.models.resnet18, { classes = 2 })
      local opt = optim.sgd(model:groups { lr = { backbone = 0.01, layer4 = 0.02, head = 0.1 } })
      assert.equal(0.01, opt:get_lr "stem")
      assert.equal(0.02, opt:get_lr "layer4")
      assert.equal(0.1, opt:get_lr "fc")
      opt:scale_lr(0.5)
      assert.equal(0.05, opt:get_lr "fc")
      opt:set_lr(1, "layer4")
      assert.equal(1, opt:get_lr "layer4")
      assert.error_matches(function() opt:set_lr(1, "layer5") end, "no group 'layer5'")
   end)

   it("reject what makes no sense", function()
      local w = scute.zeros(1)
      assert.error_matches(function() optim.sgd({ w }, { lr = 1, momentm = 1 }) end, "did you mean 'momentum'")
      assert.error_matches(function() optim.sgd { w } end, "expected a learning rate of at least 0, found none")
      assert.error_matches(function() optim.sgd({ w }, { lr = -1 }) end, "found %-1")
      assert.error_matches(function() optim.sgd({ w }, { lr = 0 / 0 }) end, "learning rate")
      assert.error_matches(function() optim.sgd({}, { lr = 1 }) end, "empty table")
      assert.error_matches(function() optim.adamw({ w }, { lr = 1, weight_decay = -1 }) end, "weight_decay")
      assert.error_matches(function() optim.adamw({ w }, { lr = 1, beta2 = 1 }) end, "'beta2': expected at least 0 and below 1")
      assert.error_matches(function() optim.sgd({ w }, { lr = 1, momentum = -0.9 }) end, "'momentum'.*found %-0%.9")
      assert.error_matches(function() optim.rmsprop({ w }, { lr = 1, alpha = 0 / 0 }) end, "'alpha'")
      assert.error_matches(function() optim.sgd({ w }, { lr = 1, nesterov = true }) end, "'nesterov': expected a momentum")
   end)
end)
