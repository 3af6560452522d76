local scute = require "scute"
local nn, models, optim = scute.nn, scute.models, scute.optim

local quiet = { classes = 3, log = false }
local BATCH = { 4, 3, 32, 32 }

local function build(name)
   scute.manual_seed(5)
   return models.create(name, quiet):train()
end

-- Buffers and parameters below the given paths, as they are now: {name = checksum}.
local function snapshot(model, paths)
   local kept = {}
   for name, t in model:named_buffers() do kept[name] = scute.checksum { t } end
   for name, t in model:named_parameters() do kept[name] = scute.checksum { t } end
   for name in pairs(kept) do
      local inside = false
      for _, path in ipairs(paths) do inside = inside or name == path or name:sub(1, #path + 1) == path .. "." end
      if not inside then kept[name] = nil end
   end
   assert(next(kept), "nothing to compare")
   return kept
end

local function statistics(kept)
   local found = {}
   for name, sum in pairs(kept) do
      if name:find "running_" or name:find "num_batches" then found[name] = sum end
   end
   assert(next(found), "no statistics")
   return found
end

-- An epoch of a few steps on random images.
local function epoch(model)
   local optimizer = optim.adamw(model:groups { lr = 0.01 }, { weight_decay = 0.1 })
   local y = scute.tensor({ 1, 2, 3, 1 }, { dtype = "i64" })
   for step = 1, 4 do
      scute.manual_seed(step)
      optimizer:zero_grad()
      local loss = scute.cross_entropy(model(scute.randn(BATCH)), y)
      loss:backward()
      optimizer:step()
   end
end

-- model, the parts that are frozen, their paths
local FROZEN = {
   { "resnet18", { "stem", "layer1", "layer2" }, { "conv1", "bn1", "layer1", "layer2" } },
   { "mobilenet_v2", { "stem", "stage1", "stage2", "stage4" },
      { "features.0", "features.1", "features.2", "features.3", "features.7", "features.10" } },
   { "efficientnet_b0", { "stem", "stage1", "stage3" }, { "features.0", "features.1", "features.3" } },
   { "mobilenet_v3_small", { "stem", "stage2", "stage4" },
      { "features.0", "features.2", "features.3", "features.7", "features.8" } },
}

describe("frozen groups", function()
   for _, row in ipairs(FROZEN) do
      local name, groups, paths = table.unpack(row)

      it("keep every bit through an epoch: " .. name, function()
         local model = build(name):freeze(groups)
         local before, other = snapshot(model, paths), snapshot(model, { model.head_path })
         epoch(model)
         assert.same(before, snapshot(model, paths))
         assert.not_same(other, snapshot(model, { model.head_path }))
      end)

      it("keep their statistics and train gamma and beta with train_affine: " .. name, function()
         local model = build(name):freeze(groups, { batch_norm = "train_affine" })
         local before = snapshot(model, paths)
         epoch(model)
         local after = snapshot(model, paths)
         assert.same(statistics(before), statistics(after))
         local moved = 0
         for key, sum in pairs(before) do
            if not key:find "running_" and not key:find "num_batches" then
               local is_norm = rawget(model:get(key:match "^(.*)%."), "fixed") ~= nil
               if is_norm then
                  assert.not_equal(sum, after[key], key)
                  moved = moved + 1
               else
                  assert.equal(sum, after[key], key)
               end
            end
         end
         assert.is_true(moved > 0)
         for _, group in ipairs(model:groups()) do
            if group.name == groups[1] then assert.equal("train_affine", group.batch_norm) end
         end
      end)

      it("move their statistics and nothing else with train: " .. name, function()
         local model = build(name):freeze(groups, { batch_norm = "train" })
         local before = snapshot(model, paths)
         epoch(model)
         local after = snapshot(model, paths)
         for key, sum in pairs(before) do
            if key:find "running_" or key:find "num_batches" then
               assert.not_equal(sum, after[key], key)
            else
               assert.equal(sum, after[key], key)
            end
         end
      end)
   end
end)

describe("what is frozen", function()
   it("loses its gradient, which would be clipped and kept in memory with the others", function()
      local model = build "resnet18"
      scute.cross_entropy(model(scute.randn(BATCH)), scute.tensor({ 1, 2, 3, 1 }, { dtype = "i64" })):backward()
      for name, t in model:named_parameters() do assert.is_not_nil(t.grad, name) end
      model:freeze { "stem", "layer1" }
      for name, t in model:named_parameters() do assert.equal(t.requires_grad, t.grad ~= nil, name) end
      model:freeze(nil, { batch_norm = "train_affine" })
      for name, t in model:named_parameters() do assert.is_nil(t.grad, name) end
   end)
end)

-- Batch norm written out with other ops, from the statistics that the mode says.
local function by_hand(norm, x, mode)
   local mean, var = norm.running_mean, norm.running_var
   if mode == "train" then
      local rows = x:transpose(1, 2):reshape(3, 40)
      mean = rows:mean(2)
      local apart = rows - mean:reshape(3, 1)
      var = (apart * apart):mean(2)
   end
   local scale = norm.weight / (var + norm.eps):sqrt()
   return (x - mean:reshape(1, 3, 1, 1)) * scale:reshape(1, 3, 1, 1) + norm.bias:reshape(1, 3, 1, 1)
end

describe("the backward of batch norm", function()
   for _, mode in ipairs { "eval", "train_affine", "train" } do
      it("is that of its formula with " .. mode, function()
         local where = { dtype = "f64", device = "ref" }
         local net = nn.Sequential(nn.BatchNorm2d { 3, dtype = "f64", device = "ref" })
         local norm = net[1]
         scute.manual_seed(3)
         scute.no_grad(function()
            for _, t in ipairs { norm.weight, norm.bias, norm.running_mean, norm.running_var } do
               t:copy_(scute.rand({ 3 }, where) + 0.5)
            end
         end)
         net:set_batch_norm(mode)
         assert.equal(mode, norm:mode())
         local upstream, results = scute.randn({ 2, 3, 4, 5 }, where), {}
         local input = scute.randn({ 2, 3, 4, 5 }, where)
         for i, f in ipairs { function(x) return by_hand(norm, x, mode) end, function(x) return net:train()(x) end } do
            local x = input:clone():requires_grad_()
            net:zero_grad()
            f(x):backward(upstream)
            results[i] = { x.grad, norm.weight.grad, norm.bias.grad }
         end
         local count = mode == "eval" and 1 or 3
         for i = 1, count do -- float64, sums of 40 terms
            assert.is_true((results[1][i] - results[2][i]):abs():max():item() <= 1e-12 * results[1][i]:abs():max():item())
         end
         if mode == "eval" then assert.is_nil(norm.weight.grad) end
      end)
   end
end)

describe("freeze_to", function()
   local function trained(model)
      local names = {}
      for _, group in ipairs(model:groups()) do
         if group.trainable > 0 then names[#names + 1] = group.name end
      end
      return table.concat(names, " ")
   end

   it("counts groups from the input, or from the head", function()
      local model = build "resnet18"
      assert.equal("layer2 layer3 layer4 fc", trained(model:freeze_to(2)))
      assert.equal("fc", trained(model:freeze_to(-2)))
      assert.equal("layer4 fc", trained(model:freeze_to "layer3"))
      assert.equal("", trained(model:freeze_to(-1)))
      assert.equal("stem layer1 layer2 layer3 layer4 fc", trained(model:freeze_to(0)))
      assert.equal("train", model:groups()[1].batch_norm)
      model:freeze_to(2, { batch_norm = "train_affine" })
      assert.equal("train_affine", model:groups()[2].batch_norm)
      assert.equal("train", model:groups()[3].batch_norm)
   end)

   it("refuses what is no group", function()
      local model = build "resnet18"
      for _, n in ipairs { 7, -7, 1.5, "layer9" } do
         assert.error_matches(function() model:freeze_to(n) end, "from %-6 to 6, or one of the groups stem, layer1")
      end
   end)
end)

describe("unfreeze_layers", function()
   local function names(model)
      local list = {}
      for name, t in model:named_parameters() do
         if t.requires_grad then list[#list + 1] = name end
      end
      return list
   end

   it("matches whole dotted components", function()
      local model = build "mobilenet_v2"
      assert.equal(model, models.unfreeze_layers(model, { "features.1", "classifier" }))
      local found = names(model)
      assert.equal(6 + 2, #found)
      for _, name in ipairs(found) do assert.matches("^features%.1%.", (name:gsub("^classifier%.1", "features.1"))) end
      models.unfreeze_layers(build "efficientnet_b0", "head")
   end)

   it("does not mistake fc for fc1 and fc2 of squeeze-excitation", function()
      local model = build "efficientnet_b0"
      assert.error_matches(function() models.unfreeze_layers(model, "fc") end, "no group, module or parameter 'fc'")
   end)

   it("takes Lua patterns on request", function()
      local model = models.unfreeze_layers(build "resnet18", { "^layer[34]%.%d+%.bn%d", "^fc%." }, { pattern = true })
      local found = names(model)
      assert.equal(2 * 2 * 2 * 2 + 2, #found)
      assert.equal("layer3.0.bn1.weight", found[1])
      assert.equal("train", model:get("layer3.0.bn1"):mode())
      assert.equal("eval", model:get("layer2.0.bn1"):mode())
   end)

   it("changes nothing when a name is wrong, and says what is near", function()
      local model = build "resnet18"
      local count = model:num_parameters(true)
      local function refused(pattern, wanted, options)
         assert.error_matches(function() models.unfreeze_layers(model, wanted, options) end, pattern)
         assert.equal(count, model:num_parameters(true))
      end
      refused("unfreeze_layers: no group, module or parameter 'layer5'; did you mean 'layer%d', 'layer%d' or 'layer%d'%?; "
         .. "groups: stem", { "fc", "layer5" })
      refused("the pattern 'block' matches no group", "block", { pattern = true })
      refused("bad pattern '%['", "[", { pattern = true })
      refused("expected a name or a list of names, found nil", nil)
      refused("empty table", {})
      refused("'relu' holds no parameters", "relu")
      refused("unknown option 'patern'; did you mean 'pattern'", "fc", { patern = true })
      refused("option 'batch_norm': expected one of eval, train_affine, train, found 'frozen'", "fc", { batch_norm = "frozen" })
   end)
end)

describe("set_batch_norm", function()
   it("changes named parts only", function()
      local model = build "resnet18":set_batch_norm("eval", { "stem", "layer1" })
      local modes = {}
      for i, group in ipairs(model:groups()) do modes[i] = group.batch_norm end
      assert.same({ "eval", "eval", "train", "train", "train", "-" }, modes)
      assert.is_true(model.conv1.weight.requires_grad)
      assert.is_false(model.bn1.weight.requires_grad)
      model:set_batch_norm("train", "layer1.0")
      assert.equal("mixed", model:groups()[2].batch_norm)
      assert.error_matches(function() model:set_batch_norm("train", "fc") end, "there is no batch norm in there")
      assert.error_matches(function() model:set_batch_norm "off" end,
         "set_batch_norm: expected one of eval, train_affine, train, found 'off'")
   end)
end)

describe("the table of groups", function()
   it("shows layers, counts, rates and batch norm from stem to head", function()
      local text = tostring(build "mobilenet_v2":freeze_to(2):groups { lr = { backbone = 1e-4, head = 1e-3 } })
      assert.matches("^group%s+layers%s+parameters%s+trainable%s+decayed%s+lr%s+batch norm\n", text)
      assert.matches("\nstem%s+features%.0%s+928%s+0%s+0%s+%-%s+eval\n", text)
      assert.matches("\nstage3%s+features%.4 to features%.6%s+39,696%s+39,696%s+37,392%s+0%.0001%s+train\n", text)
      assert.matches("\nclassifier%s+classifier%s+3,843%s+3,843%s+3,840%s+0%.001%s+%-\n", text)
   end)
end)
