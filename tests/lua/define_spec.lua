-- optim.define: an optimizer of one's own steps as its formula says, is told off where it lacks something, and trains as those
-- of the library do.
local scute = require "scute"
local nn, optim, train, data = scute.nn, scute.optim, scute.train, scute.data
local checkpoint = require "scute.train.checkpoint"
local scratch = dofile "tests/lua/scratch.lua"
local Small = dofile "tests/lua/small.lua"

-- The update of the example, as it stands there.
local function lion()
   local file <close> = assert(io.open "examples/custom_optimizer.lua")
   local text = file:read("a"):match "(local function sign.-)local set = "
   return assert(load('local optim = require("scute").optim\n' .. text .. "return lion"))()
end

local function sign(x)
   return x > 0 and 1 or x < 0 and -1 or 0
end

-- Lion in plain numbers: Chen et al. 2023, program 1, with PyTorch's way to say the decay.
local function lion_of_numbers(p, m, g, o)
   local step = sign(o.beta1 * m + (1 - o.beta1) * g)
   return p * (1 - o.lr * o.weight_decay) - o.lr * step, o.beta2 * m + (1 - o.beta2) * g
end

local function gradient_of(step, i)
   return math.sin(1.3 * step + 0.7 * i)
end

describe("optim.define", function()
   for _, device in ipairs { "cpu", "ref" } do
      it("takes the steps of its formula on " .. device, function()
         local start = { 1, -2, 0.5, 3 }
         local tensor = scute.tensor(start):reshape(2, 2):to(device):detach():requires_grad_()
         local o = { lr = 0.01, beta1 = 0.8, beta2 = 0.95, weight_decay = 0.1 }
         local optimizer = lion()({ tensor }, o)
         local expected, momenta = table.move(start, 1, 4, 1, {}), { 0, 0, 0, 0 }
         for step = 1, 5 do
            local g = {}
            for i = 1, 4 do
               g[i] = gradient_of(step, i)
               expected[i], momenta[i] = lion_of_numbers(expected[i], momenta[i], g[i], o)
            end
            optimizer:zero_grad()
            local loss = (tensor * scute.tensor(g):reshape(2, 2):to(device)):sum()
            loss:backward()
            optimizer:step()
         end
         local found = tensor:values()
         for i, v in ipairs(expected) do assert.is_true(math.abs(v - found[i]) <= 1e-6, v) end -- float32, values below 4
      end)
   end

   it("has the update's number, decay of matrices only, and settings of groups", function()
      local seen = {}
      local mine = optim.define { name = "mine", defaults = { lr = 0.5, rho = 2, bold = false, way = "up" },
         update = function(parameter, gradient, state, group)
            if parameter.shape[1] == 3 then -- not the one that it is tried on
               seen[#seen + 1] = { state.step, parameter.rank, group.lr, group.weight_decay, group.rho, group.bold, group.way }
            end
            return parameter - gradient * group.lr
         end }
      local a, b = scute.ones(3, 2):requires_grad_(), scute.ones(3):requires_grad_()
      local optimizer = mine({ { name = "one", lr = 0.1, rho = 7, parameters = { { "a", a } } },
         { name = "two", parameters = { { "b", b } } } }, { weight_decay = 0.3, bold = true })
      for step = 1, 2 do
         optimizer:zero_grad();
         (a:sum() + b:sum()):backward()
         optimizer:scale_lr(1 / step)
         optimizer:step()
      end
      assert.same({ { 1, 2, 0.1, 0.3, 7, true, "up" }, { 1, 1, 0.5, 0, 2, true, "up" }, { 2, 2, 0.05, 0.3, 7, true, "up" },
         { 2, 1, 0.25, 0, 2, true, "up" } }, seen)
      assert.matches("one at 0.1, rho = 7; two at 0.5$", optimizer:describe())
      assert.matches("^optim.mine { bold = true, decay_norms = false, lr = 0.5, rho = 2, way = up, weight_decay = 0.3 }",
         tostring(optimizer))
   end)

   it("leaves alone what overflowed, frozen parameters, and those without a gradient", function()
      local p, frozen, idle = scute.ones(2):requires_grad_(), scute.ones(2), scute.ones(2):requires_grad_()
      local optimizer = lion()({ p, frozen, idle }, { lr = 0.1 })
      p:sum():backward()
      optimizer.found_inf = scute.full({}, 1)
      optimizer:step()
      assert.same({ { 1, 1 }, { 0, 0 } }, { p:values(), optimizer:state_dict().tensors["momentum.1"]:values() })
      optimizer:take_back()
      optimizer.found_inf = scute.full({}, 0 / 0)
      optimizer:step()
      assert.same({ 1, 1 }, p:values())
      optimizer.found_inf = scute.full({}, 0)
      optimizer:step()
      assert.is_true(math.abs(p:values()[1] - 0.9) < 1e-6)
      assert.same({ { 1, 1 }, { 1, 1 } }, { frozen:values(), idle:values() })
      assert.same({ "momentum.1" }, optimizer:state_dict().names)
   end)

   it("keeps tensors under any name: none is a field of the step's own", function()
      for _, name in ipairs { "params", "grads", "names", "weight_decay", "found_inf", "state" } do
         local p = scute.full({ 2, 2 }, 1):requires_grad_()
         local mine = optim.define { name = "mine", state = { name }, update = function(parameter, gradient, state, group)
            state[name] = state[name] + gradient
            return parameter * (1 - group.lr * group.weight_decay) - state[name] * group.lr
         end }
         local optimizer = mine({ p }, { lr = 0.25, weight_decay = 0.5 })
         p:sum():backward()
         optimizer.found_inf = scute.full({}, 0)
         optimizer:step()
         assert.same({ 0.625, 1 }, { p:values()[1], optimizer:state_dict().tensors[name .. ".1"]:values()[1] }, name)
      end
   end)

   it("leaves the random numbers of the session alone where an update is tried", function()
      local layer = nn.Linear { 2, 2 }
      local before = scute.rng_state()
      optim.define { name = "noisy", update = function(p, g) return p - g * scute.rand(2, 2) end }(layer, { lr = 0.1 })
      pcall(optim.define { name = "noisy", update = function() return scute.rand(3) end }, layer, { lr = 0.1 })
      assert.same(before, scute.rng_state())
   end)

   it("refuses what lacks something where it is defined", function()
      local function update(parameter) return parameter * 1 end
      local cases = {
         ["optim.define: option 'update' is missing: function%(parameter, gradient, state, group%)"] = { name = "x" },
         ["optim.define: option 'name' is missing"] = { update = update },
         ["optim.define: there is an optim.adam already; call yours something else"] = { name = "adam", update = update },
         ["optim.define: unknown option 'updat'; did you mean 'update'"] = { name = "x", updat = update },
         ["optim.define: option 'update': expected a function, found 3"] = { name = "x", update = 3 },
         ["optim.x: state: 'm' is named twice"] = { name = "x", update = update, state = { "m", "m" } },
         ["optim.x: state has a 'step' already"] = { name = "x", update = update, state = { "step" } },
         ["option 'state': expected a list of names"] = { name = "x", update = update, state = { m = true } },
         ["optim.x: defaults: groups have a 'count' already"] = { name = "x", update = update, defaults = { count = 1 } },
         ["optim.x: defaults: m: expected a number, a text, true or false, found function"] = { name = "x", update = update,
            defaults = { m = print } },
         ["optim.x: defaults: m: there is no 'mim'; did you mean 'min'?"] = { name = "x", update = update,
            defaults = { m = { 1, mim = 0 } } },
      }
      for message, given in pairs(cases) do
         local ok, why = pcall(function() return (optim.define(given)) end)
         assert.is_false(ok)
         assert.matches(message, tostring(why))
         assert.matches("^tests/lua/define_spec.lua:%d+: ", tostring(why))
      end
   end)

   it("refuses an update that gives nothing, something else, or changes in place, where the optimizer is made", function()
      local cases = {
         ["optim.x: update: expected the parameter's new value of shape %(2, 2%), found nil"] = function() end,
         ["update: expected the parameter's new value of shape %(2, 2%), found shape %(%)"] = function(p) return p:sum() end,
         ["update: expected state.m of shape %(2, 2%), found 3"] = function(p, _, s) s.m = 3 return p * 1 end,
         ["optim.x: state: there is no 'n'; expected one of step, m"] = function(p, _, s) s.n = p return p * 1 end,
         ["optim.x: group: there is no 'beta'; expected one of lr, decay_norms, weight_decay"] = function(p, g, _, group)
            return p - g * group.beta
         end,
         ["optim.x: update changes a tensor in place; return the parameter's new value"] = function(p, g)
            return p:copy_(p - g)
         end,
         ["update changes a tensor in place;"] = function(p, _, s) s.m:fill_(1) return p * 1 end,
      }
      for message, update in pairs(cases) do
         local make = optim.define { name = "x", state = { "m" }, update = update }
         local ok, why = pcall(make, nn.Linear { 2, 2 }, { lr = 0.1 })
         assert.is_false(ok)
         assert.matches(message, tostring(why))
      end
      local ok, why = pcall(function() return (lion()(nn.Linear { 2, 2 }, { bata1 = 0.1 })) end)
      assert.is_false(ok)
      assert.matches("define_spec.lua:%d+: optim.lion: unknown option 'bata1'; did you mean 'beta1'", tostring(why))
   end)

   it("gives its settings no meaning that those of the library have", function()
      for _, defaults in ipairs { { nesterov = true }, { nesterov = true, momentum = 0, dampening = 1 } } do
         local mine = optim.define { name = "mine", defaults = defaults, update = function(p, g) return p - g end }
         assert.matches("nesterov = true", tostring(mine(nn.Linear { 2, 2 }, { lr = 1 })))
      end
   end)

   it("takes ranges for its settings", function()
      local mine = optim.define { name = "mine", defaults = { share = { 0.9, min = 0, below = 1, help = "of the last" } },
         update = function(parameter) return parameter * 1 end }
      assert.error_matches(function() mine(nn.Linear { 2, 2 }, { lr = 1, share = 1 }) end,
         "option 'share': expected a number of at least 0 and below 1, found 1")
   end)
end)

describe("train.fit with an optimizer of one's own", function()
   local folder

   setup(function() folder = scratch.make() end)
   teardown(function() scratch.remove(folder) end)

   local function fit(change)
      scute.manual_seed(1)
      local set = data.open(folder .. "/photos", { seed = 0 })
      local model = Small(set.classes)
      local options = { epochs = 3, batch_size = 4, workers = 1, seed = 3, clip_norm = 1, accumulate = 2,
         schedule = scute.schedule.cosine(), unfreeze = "head,layer4@2", save_steps = 1 }
      options.optimizer = lion()(model:groups { lr = { backbone = 0.001, head = 0.01 } }, { weight_decay = 0.01 })
      change(options)
      return train.fit(model, set, options), model
   end

   local function bits(result, model)
      local state, list = model:state_dict(), {}
      for i, name in ipairs(state.names) do list[i] = state.tensors[name] end
      for _, row in ipairs(result.history) do list[#list + 1] = ("%.17g"):format(row.train_loss) end
      return scute.checksum(list)
   end

   for _, precision in ipairs { "fp32", "fp16" } do
      it("goes on to the bit in " .. precision, function()
         local output = ("%s/%s"):format(folder, precision)
         local whole = bits(fit(function(o) o.precision = precision end))
         local at = 4 -- in the second epoch, as layer4 trains
         local ok, why = pcall(fit, function(o)
            o.precision, o.output_dir = precision, output
            o.hooks = { { on_step_begin = function(run)
               if run.step ~= at then return end
               checkpoint.save(run, true)
               error("pulled the plug", 0)
            end } }
         end)
         assert.is_false(ok)
         assert.equal("pulled the plug", tostring(why))
         assert.equal(whole, bits(fit(function(o) o.precision, o.output_dir, o.resume = precision, output, "auto" end)))
      end)
   end
end)
