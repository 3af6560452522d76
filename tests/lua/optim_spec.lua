local scute = require "scute"
local nn, optim = scute.nn, scute.optim

local function compare(expected, found)
   assert.equal(#expected, #found)
   for i, v in ipairs(expected) do
      assert.is_true(math.abs(v - found[i]) <= 1e-6, ("%g, expected %g"):format(found[i], v)) -- float32, values below 1
   end
end

-- ---- against PyTorch: tests/golden/make_optimizers.py has the same formulas ----

local golden = require "cjson".decode(assert(io.open "tests/golden/parity/optim.json"):read "a")

local function formula(shape, of_position)
   local values, n = {}, 1
   for _, size in ipairs(shape) do n = n * size end
   for i = 1, n do values[i] = of_position(i - 1) end
   return scute.tensor(values):reshape(shape)
end

local function gradient(k, shape, step)
   return formula(shape, function(i) return (0.2 + 0.1 * (i % 7)) * math.sin(0.7 * i + 1.3 * step + k) end)
end

-- The groups "body" and "head" of two tensors each, with the settings of a case.
local function groups_of(case)
   local tensors, groups = {}, { { name = "body", parameters = {} }, { name = "head", parameters = {} } }
   for key, value in pairs(case.body) do groups[1][key] = value end
   for key, value in pairs(case.head) do groups[2][key] = value end
   for i, shape in ipairs(golden.shapes) do
      tensors[i] = formula(shape, function(at) return math.cos(1.7 * at + i - 1) end):requires_grad_()
      table.insert(groups[i > 2 and 2 or 1].parameters, { "p" .. i, tensors[i] })
   end
   return groups, tensors
end

local function run(case, device)
   local groups, tensors = groups_of(case)
   for _, group in ipairs(groups) do
      for _, entry in ipairs(group.parameters) do entry[2] = entry[2]:to(device):detach():requires_grad_() end
   end
   for i in ipairs(tensors) do tensors[i] = groups[i > 2 and 2 or 1].parameters[(i - 1) % 2 + 1][2] end
   local optimizer = optim[case.kind](groups, case.options)
   for step = 1, golden.steps do
      optimizer:zero_grad()
      for i, tensor in ipairs(tensors) do
         if not (case.late and i < 3 and step < golden.late) then
            local loss = (tensor * gradient(i - 1, golden.shapes[i], step):to(device)):sum()
            loss:backward()
         end
      end
      if case.halved and step == golden.halved then optimizer:scale_lr(0.5) end
      optimizer:step()
   end
   return tensors, optimizer
end

describe("optimizers", function()
   for _, device in ipairs { "cpu", "ref" } do
      for name, case in pairs(golden.cases) do
         it(("are after %d steps where PyTorch's are: %s on %s"):format(golden.steps, name, device), function()
            local tensors = run(case, device)
            for i, expected in ipairs(case.ends) do
               local found = tensors[i]:values()
               assert.equal(#expected, #found)
               for j, v in ipairs(expected) do
                  -- what the issue of the training engine promises; float32 keeps 6e-8 of a number
                  assert.is_true(math.abs(v - found[j]) <= 1e-6, ("%.9g, expected %.9g"):format(found[j], v))
               end
            end
         end)
      end
   end

   it("show what decays and what groups have of their own", function()
      local _, optimizer = run(golden.cases["adamw, norms are not decayed"], "cpu")
      assert.matches("body +lr 0.01: 12 with weight decay, 4 without, 0 frozen", tostring(optimizer))
      _, optimizer = run(golden.cases["sgd, groups"], "cpu")
      assert.matches("body +lr 0.003, momentum = 0.5, weight_decay = 0.2: 16 with", tostring(optimizer))
      assert.matches("head at 0.03$", optimizer:describe())
   end)

   it("decay no norm, no bias and no vector, whatever their shape, and weights of every shape", function()
      local net = nn.Module:extend "Net"()
      net.norm = nn.LayerNorm { { 3, 10 } }
      net.scale = nn.Parameter(scute.ones(8, 1, 1))
      net.bias = nn.Parameter(scute.ones(2, 3))
      net.mixing = nn.Parameter(scute.ones(2, 3))
      net.fc = nn.Linear { 4, 1 }
      net.conv = nn.Conv2d { 1, 8, 1 }
      scute.no_grad(function() net.fc.weight:fill_(1) end)
      scute.no_grad(function() net.conv.weight:fill_(1) end)
      assert.matches("\ntotal +101 +101 +18$", tostring(net:groups { lr = 1 }))
      local opt = optim.sgd(net, { lr = 1, weight_decay = 0.25, momentum = 0 })
      assert.matches("conv +lr 1: 8 with weight decay, 8 without", tostring(opt))
      local loss = 0
      for _, tensor in net:named_parameters() do loss = (tensor * 0):sum() + loss end
      loss:backward()
      opt:step()
      local decayed = {}
      for name, tensor in net:named_parameters() do
         if tensor:max():item() == 0.75 then decayed[#decayed + 1] = name end
      end
      assert.same({ "mixing", "fc.weight", "conv.weight" }, decayed)
   end)

   it("decay of the backbones what is no vector", function()
      for _, name in ipairs { "resnet18", "resnet50", "mobilenet_v2", "efficientnet_b0", "baseline_cnn" } do
         local model = nn.init.on("shape", scute.models[name], { classes = 1 })
         for _, group in ipairs(model:groups { lr = 1 }) do
            for _, entry in ipairs(group.parameters) do assert.equal(entry[2].rank > 1, entry.decays, entry[1]) end
         end
      end
   end)

   it("take settings of groups from a model, and save no buffer that a group has no use for", function()
      local net = nn.Sequential { nn.Linear { 3, 3 }, nn.Linear { 3, 2 } }
      local groups = net:groups { lr = 0.1, momentum = { ["0"] = 0, default = 0.9 }, weight_decay = 0.5 }
      assert.matches("group +layers +parameters +trainable +decayed +lr +weight decay +momentum +batch norm", tostring(groups))
      assert.matches("\n1 +1 +8 +8 +6 +0.1 +0.5 +0.9 +%-\n", tostring(groups))
      assert.matches("\ntotal +20 +20 +15$", tostring(groups))
      local opt = optim.sgd(groups)
      net(scute.ones(1, 3)):sum():backward()
      opt:step()
      local state = opt:state_dict()
      assert.same({ "momentum.1.weight", "momentum.1.bias" }, state.names)
      optim.sgd(groups):load_state_dict(state)
      assert.error_matches(function() optim.adam(groups) end, "optim.adam: group '0': there is no 'momentum'")
      assert.error_matches(function() net:groups { lr = 1, momentun = 1 } end, "did you mean 'momentum'")
      assert.error_matches(function() net:groups { lr = 1, weight_decay = { ["2"] = 1 } } end, "weight_decay: no group '2'")
      groups[2].momentum = 1
      assert.error_matches(function() optim.sgd(groups) end,
         "group '1': 'momentum': expected a number of at least 0 and below 1, found 1")
      groups[2].momentum = 0
      assert.error_matches(function() optim.sgd(groups, { momentum = 0.9, nesterov = true }) end,
         "group '0': option 'nesterov': expected a momentum above 0")
   end)

   it("refuse fields that nothing looks at, and take settings of a group", function()
      local net = nn.Sequential { nn.Linear { 3, 3 } }
      local opt = optim.adamw(net:groups { lr = 0.1 }, { weight_decay = 0.5 })
      local function says(why, f)
         local _, found = pcall(f)
         assert.is_truthy(tostring(found):find(why, 1, true), tostring(found))
         assert.matches("optim_spec.lua:%d+: ", found)
      end
      local group = opt.groups[1]
      says("optim.adamw: group '0': there is no 'lrr'; did you mean 'lr'?", function() group.lrr = 3 end)
      says("there is no 'weight_decy'; did you mean 'weight_decay'?", function() group.weight_decy = 3 end)
      says("'beta1': expected a number of at least 0 and below 1, found 1", function() group.beta1 = 1 end)
      says("options say what it was made with; optimizer.groups[i].weight_decay = ... changes a group", function()
         opt.options.weight_decay = 5
      end)
      says("there is no field 'lr' of all groups; optimizer:set_lr(lr) sets the rate of all", function() opt.lr = 5 end)
      says("there is no field 'weight_decy' of all groups; optimizer.groups[i].weight_decay is", function()
         opt.weight_decy = 5
      end)
      group.weight_decay, group.lr, opt.seen_at = 0.25, 0.2, 3
      assert.equal(0.25, group.weight_decay)
      assert.matches("0 at 0.1, weight_decay = 0.25$", opt:describe())
      group = optim.sgd(net:groups { lr = 0.1 }).groups[1]
      says("'momentum' = 0.9 changes what is kept for each parameter; make a new optimizer", function()
         group.momentum = 0.9
      end)
      local given = net:groups { lr = 0.1 }
      given[1].weight_decy = 1
      says("group '0': there is no 'weight_decy'; did you mean 'weight_decay'?", function() return optim.sgd(given), 1 end)
      local kind = optim.define { name = "mine", defaults = { lr = 0.1, slope = 1 }, update = function(p, g, _, own)
         return p - g * (own.lr * own.slope)
      end }
      opt = kind(net:groups { lr = 0.1 })
      opt.groups[1].slope = 0
      says("there is no 'slop'; did you mean 'slope'?", function() opt.groups[1].slop = 1 end)
      assert.equal(0, opt.groups[1].slope)
   end)

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
      for _ = 1, 2 do opt:scale_lr(0.5) end -- of the rate that it started with
      assert.equal(0.05, opt:get_lr "fc")
      opt:set_lr(1, "layer4")
      assert.equal(1, opt:get_lr "layer4")
      assert.error_matches(function() opt:set_lr(1, "layer5") end, "no group 'layer5'")
   end)

   it("leave alone what is frozen, though it has a gradient", function()
      local w, f = scute.tensor({ 1, 2 }, { requires_grad = true }), scute.tensor({ 3, 4 }, { requires_grad = true })
      local opt = optim.sgd({ w, f }, { lr = 1 });
      (w * 2 + f * 3):sum():backward()
      f:requires_grad_(false)
      opt:step()
      assert.same({ -1, 0 }, w:values())
      assert.same({ 3, 4 }, f:values())
      assert.is_true(math.abs(opt:grad_norm() - math.sqrt(8)) < 1e-6)
   end)

   it("write into tensors of their own alone", function()
      local x = scute.tensor({ 1, 2 }, { requires_grad = true })
      local y = x * 2
      assert.error_matches(function() scute.list_scale({ y }, 3) end, "list_scale: argument 'tensors': expected tensors of ")
      assert.same({ 2, 4 }, y:values())
      scute.list_scale({ y:detach() }, 3)
      y:sum():backward()
      assert.same({ 2, 2 }, x.grad:values())
   end)

   it("reject what makes no sense", function()
      local w = scute.zeros(1)
      assert.error_matches(function() optim.sgd({ w }, { lr = 1, momentm = 1 }) end, "did you mean 'momentum'")
      assert.error_matches(function() optim.sgd { w } end, "expected a learning rate of at least 0, found none")
      assert.error_matches(function() optim.sgd({ w }, { lr = -1 }) end, "found %-1")
      assert.error_matches(function() optim.sgd({ w }, { lr = 0 / 0 }) end,
         "'lr': expected a number of at least 0, found %-?nan")
      assert.error_matches(function() optim.sgd({}, { lr = 1 }) end, "empty table")
      assert.error_matches(function() optim.sgd({ w }, 3) end, "expected a table of options, found 3")
      assert.error_matches(function() nn.Linear { 2, 2 }:groups(3) end, "groups: expected a table of options, found 3")
      local opt = optim.sgd({ w }, { lr = 1 })
      assert.error_matches(function() opt:set_lr(-1) end, "expected a learning rate of at least 0, found %-1")
      assert.error_matches(function() opt:clip_grad_norm() end, "clip_grad_norm: expected a number above 0, found nil")
      assert.error_matches(function() opt:clip_grad_value(0) end, "clip_grad_value: expected a number above 0, found 0")
      assert.error_matches(function() optim.adamw({ w }, { lr = 1, weight_decay = -1 }) end, "weight_decay")
      assert.error_matches(function() optim.adamw({ w }, { lr = 1, beta2 = 1 }) end,
         "'beta2': expected a number of at least 0 and below 1")
      assert.error_matches(function() optim.sgd({ w }, { lr = 1, momentum = -0.9 }) end, "'momentum'.*found %-0%.9")
      assert.error_matches(function() optim.rmsprop({ w }, { lr = 1, alpha = 0 / 0 }) end, "'alpha'")
      assert.error_matches(function() optim.sgd({ w }, { lr = 1, nesterov = true }) end, "'nesterov': expected a momentum")
   end)
end)
