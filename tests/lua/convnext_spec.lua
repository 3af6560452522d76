-- ConvNeXt's block in the order of memory and layer by layer, with layers of the user's own; the network around it; nn.Permute.
local scute = require "scute"
local tracing = require "scute.export.trace"
local message_of = dofile "tests/lua/message_of.lua"
local ops_of = dofile "tests/lua/ops_of.lua"
local nn, models = scute.nn, scute.models
local CNBlock = require("scute.models.convnext").blocks.CNBlock

-- Of float32 numbers, relative to the largest: a block is four layers deep.
local function near(expected, found, what, tolerance)
   assert.same(expected.shape, found.shape)
   local difference, size = (expected - found):abs():max():item(), expected:abs():max():item()
   assert.is_true(difference <= (tolerance or 1e-5) * size, ("%s: off by %g of %g"):format(what, difference, size))
end

-- A block whose numbers are all of a size that counts.
local function new_block(drop)
   scute.manual_seed(6)
   local block = CNBlock { 12, drop = drop }
   scute.no_grad(function()
      for name, p in block:named_parameters() do
         p:copy_(scute.randn(p.shape) * (p.rank > 1 and name ~= "layer_scale" and 0.3 or 1) + (p.rank == 1 and 0.5 or 0))
      end
   end)
   return block
end

-- The same layers, called one by one.
local function layer_by_layer(block)
   block.block[2].forward = function(_, x) return x:permute(1, 3, 4, 2) end
   return block
end

local function gradients(block, x)
   local seed = scute.randn(x.shape)
   local input = x:detach():requires_grad_()
   block:zero_grad()
   local y = block(input)
   y:backward(seed)
   local list = { { "result", y:detach() }, { "input", input.grad } }
   for name, p in block:named_parameters() do list[#list + 1] = { name, p.requires_grad and p.grad or nil } end
   return list
end

describe("a ConvNeXt block", function()
   local x = scute.randn(2, 12, 9, 7)

   it("permutes nothing, and computes what its layers do one by one, forward and backward", function()
      for _, training in ipairs { true, false } do
         local block, apart = new_block():train(training), layer_by_layer(new_block():train(training))
         local ops = ops_of(block, x)
         assert.is_nil(ops.permute)
         assert.is_true(ops.conv2d and ops.grouped_norm and ops.mlp_rows and not ops.linear)
         assert.is_true(ops_of(apart, x).permute)
         scute.manual_seed(8)
         local found = gradients(block, x)
         scute.manual_seed(8)
         for i, entry in ipairs(gradients(apart, x)) do near(entry[2], found[i][2], entry[1]) end
      end
   end)

   it("does so where a part of it is frozen, or computes without the tape", function()
      for _, frozen in ipairs { { "block.5" }, { "block.5", "layer_scale" }, { "layer_scale" }, { "block.2", "block.3" } } do
         local block, apart = new_block():freeze(frozen), layer_by_layer(new_block():freeze(frozen))
         scute.manual_seed(8)
         local found = gradients(block, x)
         scute.manual_seed(8)
         for i, entry in ipairs(gradients(apart, x)) do
            if entry[2] then near(entry[2], found[i][2], entry[1]) else assert.is_nil(found[i][2]) end
         end
         near(scute.no_grad(apart, x), scute.no_grad(block, x), "without the tape")
         near(scute.no_grad(apart:freeze(), x), scute.no_grad(block:freeze(), x), "frozen")
      end
   end)

   it("leaves samples out, each as it came in", function()
      assert.same(x:values(), new_block(1):train()(x):values())
      assert.not_same(x:values(), new_block(1):eval()(x):values())
      local ones, block = scute.ones(64, 12, 1, 1), new_block(0.25):train()
      scute.manual_seed(3)
      local y, whole = block(ones), new_block(0):eval()(ones) - ones
      local kept, left = 0, 0
      for i = 1, 64 do
         local branch = y[i] - ones[i]
         if branch:abs():max():item() == 0 then
            left = left + 1
         else
            near(whole[i] / 0.75, branch, "a sample", 1e-4)
            kept = kept + 1
         end
      end
      assert.is_true(left > 0 and kept > left)
   end)

   -- x plus the scale times what the layers make of it, each called by itself.
   local function expected(block)
      return scute.no_grad(function()
         local y = x
         for _, layer in block.block:children() do y = layer(y) end
         return y * block.layer_scale + x
      end)
   end

   local function own(class, ...)
      local derived = class:extend("Own" .. class.class_name)
      function derived:forward(y) return class.forward(self, y) * 2 - 1 end
      return derived(...)
   end

   it("takes other layers for each of its own", function()
      local changes = {
         no_bias = function(b) b[4], b[6] = nn.Linear { 12, 20, bias = false }, nn.Linear { 20, 12, bias = false } end,
         no_affine = function(b) b[3] = nn.LayerNorm { 12, elementwise_affine = false } end,
         large_eps = function(b) b[3] = nn.LayerNorm { 12, eps = 0.5, bias = false } end,
         other_norm = function(b) b[3] = nn.LayerNorm { { 7, 12 } } end,
         own_norm = function(b) b[3] = own(nn.LayerNorm, { 12 }) end,
         no_norm = function(b) b[3] = nn.Identity() end,
         relu = function(b) b[5] = nn.ReLU() end,
         tanh = function(b) b[5] = nn.Tanh() end,
         gelu_tanh = function(b) b[5] = nn.GELU { approximate = "tanh" } end,
         own_gelu = function(b) b[5] = own(nn.GELU, {}) end,
         softmax_of_rows = function(b) b[5].forward = function(_, y) return y:softmax(3) end end,
         own_linear = function(b) b[4] = own(nn.Linear, { 12, 48 }) end,
         own_last = function(b) b[6].forward = function(self, y) return nn.Linear.forward(self, y) * 3 end end,
         identity = function(b) b[1] = nn.Identity() end,
         other_convolution = function(b) b[1] = nn.Conv2d { 12, 12, 3, padding = 1 } end,
         one_more = function(b) b:append(nn.ReLU()) end,
         other_order = function(b) b[2], b[7] = nn.Permute { { 1, 4, 3, 2 } }, nn.Permute { { 1, 4, 3, 2 } } end,
      }
      for name, change in pairs(changes) do
         for _, training in ipairs { true, false } do
            local block = new_block():train(training)
            change(block.block)
            near(expected(block), block(x):detach(), name)
            near(expected(block), scute.no_grad(block, x), name)
         end
      end
   end)

   it("takes layers of one's own for all of them and for its stochastic depth", function()
      local Whole = nn.Sequential:extend "Whole"
      function Whole:forward(y) return y * 3 end -- luacheck: ignore self
      local block = new_block()
      block.block = Whole(block.block[1], nn.ReLU())
      near(x * 3 * block.layer_scale:detach() + x, scute.no_grad(block, x), "all")
      block = new_block():eval()
      local before = scute.no_grad(block, x)
      block.stochastic_depth = nn.Identity()
      assert.same(before:values(), scute.no_grad(block, x):values())
      local Doubled = nn.StochasticDepth:extend("Doubled", {})
      function Doubled:build() self.p, self.fixed = 0, false end
      function Doubled:forward(y) return y * 2 end -- luacheck: ignore self
      block.stochastic_depth = Doubled()
      near((before - x) * 2 + x, scute.no_grad(block, x), "stochastic depth")
      assert.equal(12, x.shape[2]) -- and what went in is still there
   end)

   it("names the layer in which an error is", function()
      local block = new_block()
      block.block[6] = nn.Linear { 40, 12 }
      local ok, why = pcall(nn.Sequential(block), x)
      assert.is_false(ok)
      assert.matches("^in 0%.block%.5 %(Linear%): linear: argument 'x'", why)
   end)

   it("is in a summary what its layers are", function()
      local text = tostring(nn.summary(new_block(), x.shape))
      assert.equal(tostring(nn.summary(layer_by_layer(new_block()), x.shape)), text)
      assert.matches("3: Linear%s+%(2, 9, 7, 48%)%s+624%s+72,576\n", text)
   end)

   it("is traced in evaluation as a convolution, a norm and an mlp", function()
      local graph = tracing.graph(new_block(0.5), { shape = { 12, 6, 6 }, dtype = "f32", device = "cpu" })
      local ops, layers = {}, {}
      for i, node in ipairs(graph.nodes) do ops[i], layers[i] = node.op, node.layer end
      assert.equal("conv2d layer_norm mlp mul add", table.concat(ops, " "))
      assert.same({ "block.0", "block.2", "block", "", "stochastic_depth" }, layers)
   end)

   it("has torchvision's names, and starts as its does", function()
      local block = CNBlock { 64 }
      local found = {}
      for name, p in block:named_parameters() do found[#found + 1] = name .. " " .. table.concat(p.shape, "x") end
      assert.same({ "layer_scale 64x1x1", "block.0.weight 64x1x7x7", "block.0.bias 64", "block.2.weight 64", "block.2.bias 64",
         "block.3.weight 256x64", "block.3.bias 256", "block.5.weight 64x256", "block.5.bias 64" }, found)
      for name, p in block:named_parameters() do
         local values = p:detach()
         local mean = values:mean():item()
         local deviation = math.sqrt((values * values):mean():item())
         if name == "layer_scale" then
            assert.is_true(math.abs(mean - 1e-6) < 1e-12 and math.abs(deviation - 1e-6) < 1e-12)
         elseif name:find "bias$" then
            assert.equal(0, deviation)
         elseif name == "block.2.weight" then
            assert.equal(1, values:min():item())
         else -- 3136 numbers or more
            assert.is_true(math.abs(deviation - 0.02) < 0.002 and math.abs(mean) < 0.002, name)
         end
      end
   end)

   it("keeps half width, and float32 gradients", function()
      for _, dtype in ipairs { "bf16", "f16" } do
         local block, input = new_block():train(), x:detach()
         local plain = gradients(block, input)
         for _, training in ipairs { true, false } do
            local y = scute.autocast(dtype, scute.no_grad, block:train(training), input:to(dtype))
            assert.equal(dtype, y.dtype)
            near(plain[1][2], y:to "f32", dtype, dtype == "bf16" and 2 ^ -5 or 2 ^ -8)
         end
         scute.manual_seed(8)
         plain = gradients(block:train(), input)
         local by_name = {}
         for _, entry in ipairs(plain) do by_name[entry[1] ] = entry[2] end
         block:zero_grad()
         scute.manual_seed(8)
         local seed = scute.randn(input.shape)
         scute.autocast(dtype, block, input:to(dtype)):backward(seed:to(dtype))
         for name, p in block:named_parameters() do
            assert.equal("f32", p.grad.dtype, name)
            near(by_name[name], p.grad, dtype .. " " .. name, dtype == "bf16" and 2 ^ -4 or 2 ^ -7)
         end
      end
      local half = new_block():to "bf16"
      assert.equal("bf16", half(x:to "bf16").dtype)
   end)
end)

describe("ConvNeXt", function()
   it("has torchvision's sizes and probabilities", function()
      for name, facts in pairs { convnext_tiny = { 28589128, 18, 0.1 }, convnext_small = { 50223688, 36, 0.4 },
         convnext_base = { 88591464, 36, 0.5 } } do
         local model, found = nn.init.on("shape", models.create, name), {}
         assert.equal(facts[1], model:num_parameters())
         for _, module in model:named_modules() do
            if module.class_name == "StochasticDepth" then found[#found + 1] = module.p end
         end
         assert.equal(facts[2], #found)
         for i, p in ipairs(found) do assert.is_true(math.abs(p - facts[3] * (i - 1) / (facts[2] - 1)) < 1e-12) end
      end
   end)

   it("is parted into groups, each parameter in one", function()
      local model = nn.init.on("shape", models.convnext_tiny, { classes = 3 })
      local names, n = {}, 0
      for i, group in ipairs(model:groups()) do names[i], n = group.name, n + group.count end
      assert.same({ "stem", "stage1", "stage2", "stage3", "stage4", "top", "classifier" }, names)
      assert.equal(model:num_parameters(), n)
      model:freeze():unfreeze { "stage4", "head" }
      assert.is_true(model:get("features.6.1").weight.requires_grad and model:get("features.7.2").layer_scale.requires_grad)
      assert.is_false(model:get("features.5.8").layer_scale.requires_grad or model:get("classifier.0").weight.requires_grad)
      assert.is_true(model:get("features.5.8").stochastic_depth.fixed)
      assert.is_false(model:get("features.7.0").stochastic_depth.fixed)
   end)

   local tiny
   local function model() -- one serves all: its 28 million numbers take a while to draw
      if not tiny then
         scute.manual_seed(2)
         tiny = models.convnext_tiny { classes = 3, log = false }
      end
      return tiny:unfreeze():eval()
   end
   local photos = scute.randn(2, 3, 64, 64)

   it("computes features after its last norm, and scores of them", function()
      local net = model()
      local features, scores = scute.no_grad(net.features, net, photos), scute.no_grad(net, photos)
      assert.same({ { 2, 768 }, { 2, 3 } }, { features.shape, scores.shape })
      assert.same(scores:values(), scute.no_grad(net.head, net, features):values())
      assert.is_true(math.abs(features:mean():item()) < 1e-4) -- as a norm leaves them
      local parts = scute.no_grad(function() return net.classifier(net.avgpool(net:child "features"(photos))) end)
      near(parts, scores, "its parts")
   end)

   it("takes a classifier of one's own, which gets the pooled maps", function()
      local net = model()
      local before, seen = net.classifier, {}
      local Own = nn.Module:extend "Own"
      function Own:build() self.fc = nn.Linear { 768, 4 } end
      function Own:forward(maps)
         seen[#seen + 1] = maps.shape
         return self.fc(maps:flatten(2))
      end
      net.classifier = Own()
      assert.same({ 2, 4 }, scute.no_grad(net, photos).shape)
      assert.same({ { 2, 768, 1, 1 } }, seen)
      net:freeze "backbone" -- to which nothing of it belongs
      assert.is_true(net.classifier.fc.weight.requires_grad and net.classifier.fc.bias.requires_grad)
      assert.equal(4 * 768 + 4, net:groups()[7].trainable)
      net.classifier = nn.Sequential(nn.Conv2d { 768, 5, 1 }, nn.Flatten(), nn.Linear { 5, 4 })
      assert.same({ 2, 4 }, scute.no_grad(net, photos).shape)
      net:freeze "backbone"
      assert.equal(768 * 5 + 5 + 5 * 4 + 4, net:groups()[7].trainable)
      net.classifier = nn.Sequential(before[1], nn.Flatten(), nn.Dropout { p = 0.5 }, before[3], nn.Identity())
      local scores, groups = scute.no_grad(net:eval(), photos), net:groups()
      assert.same({ { "avgpool", "classifier.0", "classifier.1" }, { "classifier.2", "classifier.3", "classifier.4" } },
         { groups[6].paths, groups[7].paths })
      net.classifier = before
      assert.same(scute.no_grad(net, photos):values(), scores:values())
   end)

   it("has dropout before the head where it is set, in training", function()
      local net = model():set_dropout(0.5)
      local features = scute.ones(1, 768)
      local expected = scute.no_grad(net.head, net, features)
      assert.not_same(expected:values(), scute.no_grad(net.head, net:train(), features):values())
      net:set_dropout(0)
      assert.same(expected:values(), scute.no_grad(net.head, net, features):values())
   end)

   it("gets a new head as its own starts, with the norm before it as it was", function()
      local net = model()
      local norm = net:get("classifier.0").weight
      assert.equal("new head: classifier.2 768 → 2, normal 0.02", net:replace_head { "a", "b" })
      assert.is_true(rawequal(norm, net:get("classifier.0").weight))
      local weight = net:get("classifier.2").weight:detach()
      local deviation = math.sqrt((weight * weight):mean():item())
      assert.is_true(math.abs(deviation - 0.02) < 0.003)
      net:replace_head(3)
   end)

   it("trains its head alone where the backbone is frozen", function()
      local net = model():train():freeze "backbone"
      assert.is_true(net:is_backbone_frozen())
      local features = net:features(photos)
      assert.is_false(features.requires_grad)
      assert.same(features:values(), net:features(photos):values()) -- nothing is drawn
      scute.cross_entropy(net:head(features), scute.tensor({ 1, 2 }, { dtype = "i64" })):backward()
      for name, p in net:named_parameters() do assert.equal(name:find "^classifier%.2" ~= nil, p.grad ~= nil, name) end
      net:zero_grad()
   end)

   it("is looked into by Grad-CAM, and stays as it was", function()
      local net = model()
      local photo = photos:slice(1, 1, 1)
      local before = scute.no_grad(net, photo)
      local found = scute.gradcam(net, photo, 2)
      assert.same({ 2, 2, 2 }, { found.class, #found.map, #found.map[1] })
      assert.is_true(math.abs(found.score - before:values()[2]) < 1e-4)
      assert.same(before:values(), scute.no_grad(net, photo):values())
   end)

   it("trains in bfloat16 too", function()
      local net, y = model():freeze():unfreeze { "stage4", "top", "head" }:train(), scute.tensor({ 1, 3 }, { dtype = "i64" })
      local loss = scute.autocast("bf16", function() return scute.cross_entropy(net(photos), y) end)
      loss:backward()
      assert.is_true(loss:item() < 3 and loss.dtype == "f32")
      for name, p in net:named_parameters() do
         if p.requires_grad then assert.is_true(p.grad:abs():max():item() < math.huge, name) end
      end
      net:zero_grad()
   end)
end)

describe("nn.Permute", function()
   it("puts dimensions into another order, counted from either end", function()
      local x = scute.randn(2, 3, 4, 5)
      assert.same(x:permute(1, 3, 4, 2):values(), nn.Permute { { 1, 3, 4, 2 } }(x):values())
      assert.same({ 2, 4, 5, 3 }, nn.Permute { dims = { 1, -2, -1, 2 } }(x).shape)
      local back = nn.Sequential(nn.Permute { { 1, 3, 4, 2 } }, nn.Permute { { 1, 4, 2, 3 } })
      assert.same(x:values(), back(x):values())
      assert.equal("Permute(dims=(1, 3, 4, 2))", tostring(nn.Permute { { 1, 3, 4, 2 } }))
      assert.equal(0, nn.Permute({ { 2, 1 } }):num_parameters())
   end)

   it("refuses what is no order", function()
      for _, dims in ipairs { {}, { 1, 1 }, { 1, 3 }, { 0, 1 }, { 1, -2 }, { 1.5, 2 }, { "1", 2 } } do
         assert.error_matches(function() nn.Permute { dims } end, "option 'dims': expected a table with each dimension once")
      end
      assert.error_matches(function() nn.Permute {} end, "'dims' is missing")
      for _, given in ipairs { { { 1, 3, 4, 2 } }, { 1, 3, 4, 2 } } do -- without the inner braces, and without any
         assert.equal("nn.Permute: found 4 values by position, expected one: dims, a table with each dimension once, as in "
            .. "nn.Permute { { 1, 3, 4, 2 } }", message_of(nn.Permute, table.unpack(given)))
      end
      local ok, why = pcall(nn.Permute { { 2, 1 } }, scute.randn(2, 3, 4))
      assert.is_false(ok)
      assert.matches("permute: argument 'order'", why)
   end)

   it("is saved with a model", function()
      local net, path = dofile "tests/lua/small.lua"(3), os.tmpname()
      net.layer1 = nn.Sequential(nn.Permute { { 1, 3, 4, 2 } }, nn.Tanh(), nn.Permute { { 1, 4, 2, 3 } })
      local x = scute.randn(1, 3, 16, 16)
      local expected = scute.no_grad(net:eval(), x)
      models.save(net, path)
      local loaded = models.load(path)
      os.remove(path)
      assert.same(expected:values(), scute.no_grad(loaded, x):values())
      assert.same({ 1, 4, 2, 3 }, loaded.layer1[3].dims)
   end)
end)
