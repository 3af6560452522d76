-- Losses that learn an embedding, and the layers that they are for.
local scute = require "scute"
local loss_cases = dofile "tests/lua/loss_cases.lua"
local goes_on = dofile "tests/lua/goes_on.lua"
local json_file = require "scute.base.json_file"
local message_of = dofile "tests/lua/message_of.lua"
local same = dofile "tests/lua/same_values.lua"
local scratch = dofile "tests/lua/scratch.lua"
local short_run = dofile "tests/lua/short_run.lua"
local Small = dofile "tests/lua/small.lua"

local losses, models, nn, optim = scute.losses, scute.models, scute.nn, scute.optim
local NAN = 0 / 0

local function classes(list, device)
   return scute.tensor(list, { dtype = "i64", device = device })
end

-- Whether all numbers of a tensor are finite.
local function is_finite(t)
   local sum = (t * 0):sum():item()
   return sum == sum
end

describe("the losses of pytorch-metric-learning", function()
   for device, dtypes in pairs { cpu = { "f32", "f64" }, ref = { "f32" } } do
      for _, dtype in ipairs(dtypes) do
         it(("have the same values and gradients here, on %s in %s"):format(device, dtype), function()
            local checks = 0
            loss_cases(device, dtype, function(ok, name, why)
               checks = checks + 1
               assert.is_true(ok, name .. ": " .. why)
            end)
            assert.equal(6 * 3 + 9 * 2, checks)
         end)
      end
   end
end)

describe("losses.arcface", function()
   it("is finite where a photo lies on a centre, or opposite to it, and has a finite gradient", function()
      for _, device in ipairs { "cpu", "ref" } do
         local layer = nn.CosineLinear { 4, 2, device = device }
         local row = layer.weight:detach()[1]:reshape(1, 4)
         local x = scute.concat({ row, row * -2, row * 0 }, 1):requires_grad_()
         local loss = losses.arcface()(layer(x), classes({ 1, 1, 2 }, device))
         local scaled = loss * 65536 -- as by a scaler
         scaled:backward()
         assert.is_true(is_finite(loss) and is_finite(x.grad) and is_finite(layer.weight.grad))
      end
   end)

   it("tells of NaN", function()
      local loss = losses.arcface()(scute.tensor { { 0.5, 0.1 }, { NAN, 0.2 } }, classes { 1, 1 })
      assert.is_false(is_finite(loss))
   end)

   it("of margin 0 is the cross entropy of scaled cosines", function()
      local c, y = scute.rand(5, 3) * 2 - 1, classes { 1, 2, 3, 1, 2 }
      assert.near((c * 30):cross_entropy(y):item(), losses.arcface { margin = 0, scale = 30 }(c, y):item(), 1e-5)
   end)

   it("refuses what is no cosine, and other classes than it has margins for", function()
      local y = classes { 1, 2 }
      local loss = losses.arcface()
      loss(scute.zeros(2, 3), y) -- as train.fit tries it
      assert.matches("expected cosines from %-1 to 1, found 7: the model's head has to be an nn.CosineLinear or",
         message_of(loss, scute.tensor { { 7, 0, 0 }, { 0, 0, 0 } }, y))
      assert.matches("margins: expected one for each of the 3 classes, found 2",
         message_of(losses.arcface { margins = { 0.1, 0.2 } }, scute.zeros(2, 3), y))
      assert.matches("losses_spec.lua:%d+: losses.arcface: expected y as class numbers, i64 of shape %(2%), found f32, shape "
         .. "%(2%)", message_of(function() return (loss(scute.zeros(2, 3), scute.ones(2))) end))
      assert.matches("losses.arcface: expected cosines %(N, classes%) as a tensor, found f32, shape %(2, 3, 1%)",
         message_of(loss, scute.zeros(2, 3, 1), y))
      assert.matches("option 'margin': expected an angle in radians", message_of(losses.arcface, { margin = 28.6 }))
      assert.matches("'margins' and 'margin' exclude", message_of(losses.arcface, { margin = 0.1, margins = { 0.1 } }))
      assert.matches("did you mean 'scale'", message_of(losses.arcface, { scal = 3 }))
   end)

   it("says what it is", function()
      assert.equal("losses.arcface (margin = 0.5, scale = 64)", tostring(losses.arcface()))
      assert.matches("^margins of 2 classes from 0.1 to 0.25, %x+, scale = 30, easy$",
         losses.arcface { margins = { 0.25, 0.1 }, scale = 30, easy = true }:describe())
   end)
end)

describe("losses.dynamic_margins", function()
   it("are a * n^-lambda + b", function()
      local m = losses.dynamic_margins { 1, 16, 81 }
      for i, expected in ipairs { 0.55, 0.3, 0.5 / 3 + 0.05 } do assert.near(expected, m[i], 1e-12) end
      assert.near(2 * 100 ^ -0.5 + 0.1, losses.dynamic_margins({ 100 }, { a = 2, lambda = 0.5, b = 0.1 })[1], 1e-12)
   end)

   it("refuse counts that are none", function()
      assert.matches("at least 1 for class 2, found 0", message_of(losses.dynamic_margins, { 3, 0 }))
      assert.matches("found an empty one", message_of(losses.dynamic_margins, {}))
      assert.matches("below pi, found 4", message_of(losses.dynamic_margins, { 3 }, { a = 3, b = 1 }))
   end)
end)

describe("losses.triplet", function()
   -- The mean over triplets that cost anything, written out. d: rows of distances.
   local function written_out(d, y, margin, semihard)
      local sum, count = 0, 0
      for a = 1, #y do
         for p = 1, #y do
            for n = 1, y[p] == y[a] and p ~= a and #y or 0 do
               local gap = d[a][p] - d[a][n]
               if y[n] ~= y[a] and gap + margin > 0 and not (semihard and gap >= 0) then
                  sum, count = sum + gap + margin, count + 1
               end
            end
         end
      end
      return sum / count
   end

   it("is the same by blocks of anchors", function()
      scute.manual_seed(1)
      local y = {}
      for i = 1, 170 do y[i] = (i + 1) // 2 end -- two blocks
      local x = scute.randn(170, 4)
      local unit = x:normalize()
      local d = unit:cdist(unit):totable()
      for _, mining in ipairs { "all", "semihard" } do
         local found = losses.triplet { margin = 0.3, mining = mining }(x, classes(y)):item()
         assert.near(written_out(d, y, 0.3, mining == "semihard"), found, 1e-6)
      end
   end)

   it("is 0, with a gradient of 0, where no triplet costs anything or there is none", function()
      for _, mining in ipairs { "all", "semihard", "hard" } do
         for text, case in pairs { apart = { { { 1, 0 }, { 1, 0 }, { -1, 0 } }, { 1, 1, 2 } },
            ["one of each"] = { { { 1, 0 }, { 0, 1 }, { -1, 0 } }, { 1, 2, 3 } }, ["one photo"] = { { { 1, 0 } }, { 1 } },
            ["one individual"] = { { { 1, 0 }, { 0, 1 }, { -1, 0 } }, { 1, 1, 1 } } } do
            local x = scute.tensor(case[1]):requires_grad_()
            local loss = losses.triplet { mining = mining }(x, classes(case[2]))
            loss:backward()
            assert.equal(0, loss:item(), mining .. ", " .. text)
            assert.equal(0, x.grad:abs():max():item())
         end
      end
   end)

   it("leaves out anchors without a positive where it is hard", function()
      local x, y = scute.tensor { { 1, 0 }, { 0.8, 0.6 }, { 0, 1 } }, classes { 1, 1, 2 }
      -- of photo 1: 0.2 - 1 + 0.9; of photo 2: 0.2 - 0.4 + 0.9; photo 3 has no other of its own
      assert.near((0.1 + 0.7) / 2, losses.triplet { margin = 0.9, mining = "hard", distance = "cosine" }(x, y):item(), 1e-6)
   end)

   it("tells of NaN", function()
      for _, mining in ipairs { "all", "semihard", "hard" } do
         assert.is_false(is_finite(losses.triplet { mining = mining }(scute.tensor { { NAN, 0 }, { 0, 1 }, { 1, 1 } },
            classes { 1, 1, 2 })))
      end
   end)

   it("says what it is, and what it does not know", function()
      assert.equal("losses.triplet (margin = 0.2, semihard, euclidean)", tostring(losses.triplet()))
      assert.matches("did you mean 'semihard'", message_of(losses.triplet, { mining = "semi-hard" }))
      assert.matches("normalize: a cosine is one of vectors of length 1",
         message_of(losses.triplet, { distance = "cosine", normalize = false }))
   end)
end)

describe("losses.supcon", function()
   it("is 0 where no photo has another of its individual, and leaves out those that have none", function()
      for _, y in ipairs { { 1, 2, 3 }, { 1 } } do
         local x = scute.randn(#y, 4):requires_grad_()
         local loss = losses.supcon()(x, classes(y))
         loss:backward()
         assert.equal(0, loss:item())
         assert.equal(0, x.grad:abs():max():item())
      end
      -- Cosines of 1 and 0: -log(e^1 / (e^1 + e^0)) at a temperature of 1.
      local x = scute.tensor { { 1, 0 }, { 1, 0 }, { 0, 1 } }
      assert.near(math.log(1 + math.exp(-1)), losses.supcon { temperature = 1 }(x, classes { 1, 1, 2 }):item(), 1e-6)
   end)

   it("tells of NaN, and says what it is", function()
      assert.is_false(is_finite(losses.supcon()(scute.tensor { { NAN, 0 }, { 0, 1 } }, classes { 1, 2 })))
      assert.equal("losses.supcon (temperature = 0.1)", tostring(losses.supcon()))
   end)
end)

describe("in half precision", function()
   it("all losses compute in float32", function()
      local y = classes { 1, 1, 2, 2 }
      for _, dtype in ipairs { "f16", "bf16" } do
         local x = (scute.randn(4, 6) / 4):to(dtype)
         for _, loss in ipairs { losses.arcface { scale = 8 }, losses.triplet { margin = 1 }, losses.triplet { margin = 1,
            distance = "cosine", mining = "all" }, losses.supcon() } do
            local expected = loss(x:to "f32", y)
            for _, found in ipairs { loss(x, y), scute.autocast(dtype, loss, x, y) } do
               assert.equal("f32", found.dtype)
               assert.equal(expected:item(), found:item())
            end
         end
      end
   end)

   -- 1,000 updates of a head on features of half width, at a scale of 64. scaler: of float16, as scute.train.precision has it.
   local function trained(dtype, loss)
      scute.manual_seed(2)
      local head = nn.EmbeddingHead { 6, 3, features = 4 }
      local optimizer = optim.sgd(head, { lr = 0.05, momentum = 0.9 })
      local x, y = scute.randn(9, 6) * 3, classes { 1, 1, 1, 2, 2, 2, 3, 3, 3 }
      local function number(value) return scute.full({}, value) end
      local scale, good, skipped, found_inf = number(65536), number(0), number(0), number(0)
      local first, last
      for step = 1, 1000 do
         local cosines <close> = scute.autocast(dtype, head, x)
         last = loss(cosines, y, head)
         optimizer:zero_grad()
         local scaled <close> = dtype == "f16" and last * scale or last * 1
         scaled:backward()
         if dtype == "f16" then
            optimizer:unscale_grad(scale, found_inf)
            scute.scale_update_ { scale = scale, good_steps = good, skipped = skipped, found_inf = found_inf, interval = 200 }
            optimizer.found_inf = found_inf
         end
         optimizer:step()
         if step == 1 then first = last:item() end
         if step % 100 == 0 then assert.is_true(is_finite(last), ("step %d in %s"):format(step, dtype)) end
      end
      for name, tensor in head:named_parameters() do assert.is_true(is_finite(tensor), name) end
      return first, last:item(), skipped:item()
   end

   for _, dtype in ipairs { "f16", "bf16" } do
      it(("1,000 steps at a scale of 64 stay numbers in %s"):format(dtype), function()
         local first, last, skipped = trained(dtype, losses.arcface { margin = 0.5, scale = 64 })
         assert.is_true(last < first / 4, ("from %g to %g"):format(first, last))
         assert.is_true(skipped < 20, skipped)
      end)
   end
end)

describe("nn.CosineLinear", function()
   it("gives cosines in float32, of several centres the best", function()
      local x = scute.randn(5, 7)
      local layer = nn.CosineLinear { 7, 3 }
      local expected = scute.cosine_similarity(x:reshape(5, 1, 7), layer.weight:reshape(1, 3, 7), 3)
      same(expected:values(), layer(x))
      for _, dtype in ipairs { "f16", "bf16" } do
         assert.equal("f32", layer(x:to(dtype)).dtype)
         same(expected:values(), scute.autocast(dtype, layer, x))
      end
      local several = nn.CosineLinear { 7, 3, sub_centers = 2 }
      assert.same({ 3, 2, 7 }, several.weight.shape)
      local all = scute.cosine_similarity(x:reshape(5, 1, 1, 7), several.weight:reshape(1, 3, 2, 7), 4)
      same(all:max(3):values(), several(x))
      same({ 0, 0, 0 }, layer(scute.zeros(1, 7)))
   end)

   it("has gradients that are right", function()
      local x = scute.randn({ 3, 4 }, { dtype = "f64" }):requires_grad_()
      assert.is_true(scute.gradcheck(nn.CosineLinear { 4, 2, sub_centers = 2, dtype = "f64" }, { x }))
   end)

   it("says what it is, and what it cannot take", function()
      assert.equal("CosineLinear(in_features=7, classes=3)", (tostring(nn.CosineLinear { 7, 3 }):gsub("%s+$", "")))
      assert.equal("CosineLinear(in_features=7, classes=3, sub_centers=2)", nn.CosineLinear { 7, 3, 2 }:tree())
      assert.matches("expected vectors %(N, 7%), found shape %(2, 3%)", message_of(nn.CosineLinear { 7, 3 }, scute.zeros(2, 3)))
   end)
end)

describe("nn.EmbeddingHead", function()
   local function head(more)
      local o = { in_features = 8, classes = 2, features = 5 }
      for name, value in pairs(more or {}) do o[name] = value end
      return nn.EmbeddingHead(o)
   end

   it("has an embedding, a neck and classes", function()
      local names = {}
      for name in head():named_parameters() do names[#names + 1] = name end
      assert.same({ "embedding.weight", "neck.weight", "neck.bias", "classes.weight" }, names)
      assert.is_truthy(head { neck = false }.embedding.bias)
      assert.is_nil(head { neck = false }:child "neck")
      assert.same({ 3, 2 }, head { sub_centers = 3, dropout = 0.5 }(scute.randn(3, 8)).shape)
   end)

   it("embeds in rows of length 1, as the classes see them", function()
      for _, neck in ipairs { true, false } do
         local h, x = head { neck = neck }:eval(), scute.randn(4, 8)
         local e = h:embed(x)
         assert.same({ 4, 5 }, e.shape)
         same({ 1, 1, 1, 1 }, (e * e):sum(2))
         same(h(x):values(), e:matmul(h.classes.weight:normalize():transpose(1, 2)))
         assert.equal("f32", scute.autocast("bf16", h.embed, h, x).dtype)
      end
   end)

   it("keeps the last embedding while it trains, with its tape", function()
      local h, x = head(), scute.randn(4, 8):requires_grad_()
      h(x)
      assert.same({ 4, 5 }, h.last.shape)
      losses.supcon()(h.last, classes { 1, 1, 2, 2 }):backward()
      assert.is_true(x.grad:abs():max():item() > 0)
      assert.is_true(h.embedding.weight.grad:abs():max():item() > 0)
      assert.is_nil(h.classes.weight.grad)
      h:eval()(x)
      assert.is_nil(rawget(h, "last"))
      scute.no_grad(h:train().call, h, x)
      assert.is_nil(rawget(h, "last"))
   end)

   it("that is detached learns its classes beside", function()
      local h, x = head { detached = true }, scute.randn(4, 8):requires_grad_()
      losses.arcface()(h(x), classes { 1, 1, 2, 2 }):backward()
      assert.is_true(h.classes.weight.grad:abs():max():item() > 0)
      assert.is_nil(x.grad)
      losses.triplet { margin = 2, mining = "all" }(h.last, classes { 1, 1, 2, 2 }):backward()
      assert.is_true(x.grad:abs():max():item() > 0)
   end)

   it("takes a single photo in training, too, as in evaluation", function()
      local h, x = head(), scute.randn(1, 8)
      local found = h(x):values()
      assert.equal(0, h.neck.num_batches_tracked:item())
      same(found, h:eval()(x))
   end)

   it("drops features in training alone", function()
      local h, x = head { dropout = 0.9, neck = false }, scute.ones(1, 8)
      local kept = h:embed(x):values()
      h:eval()
      assert.are_not.same(kept, h:embed(x):values())
      assert.same(h:embed(x):values(), h:embed(x):values())
   end)
end)

describe("a model with an embedding head", function()
   local path

   setup(function() path = os.tmpname() end)
   teardown(function() os.remove(path) end)

   local function model_with(more)
      scute.manual_seed(1)
      local model = Small { "b", "a", "c" }
      local o = { in_features = 8, classes = 3, features = 3, dropout = 0.25 }
      for name, value in pairs(more) do o[name] = value end
      model.fc = nn.EmbeddingHead(o)
      return model
   end

   it("is saved and loaded with all of its options, also between two steps", function()
      for _, more in ipairs { {}, { neck = false, sub_centers = 2 }, { detached = true } } do
         local model, x = model_with(more), scute.randn(2, 3, 16, 16)
         model(x) -- leaves the last embedding behind
         models.save(model, path)
         local loaded = models.load(path)
         assert.equal(model.fc:tree(), loaded.fc:tree())
         assert.same({ 0.25, more.sub_centers or 1, more.detached or false },
            { loaded.fc.dropout, loaded.fc.sub_centers, loaded.fc.detached })
         assert.same(scute.no_grad(model:eval().call, model, x):totable(), scute.no_grad(loaded.call, loaded, x):totable())
      end
   end)

   it("has other classes in the head than it was built with, if these were put there", function()
      local model = model_with {}
      model.fc.classes = nn.CosineLinear { 3, 3, sub_centers = 4 }
      models.save(model, path)
      assert.equal(model.fc:tree(), models.load(path).fc:tree())
   end)

   it("puts its classes into another order, with all of their centres", function()
      for _, sub_centers in ipairs { 1, 2 } do
         local model = model_with { sub_centers = sub_centers }:eval()
         assert.equal(#model.classes, model.fc.features) -- whose rows are not the ones that are meant
         local x = scute.randn(2, 3, 16, 16)
         local before = scute.no_grad(model.call, model, x):totable()
         model:order_classes { "a", "b", "c" }
         local after = scute.no_grad(model.call, model, x):totable()
         for i, row in ipairs(before) do same({ row[2], row[1], row[3] }, scute.tensor(after[i])) end
      end
   end)

   it("freezes and is grouped as any other, its neck in the head", function()
      local model = model_with {}:freeze "backbone"
      assert.is_true(model:is_backbone_frozen())
      assert.equal(8 * 3 + 3 + 3 + 9, model:num_parameters(true))
      local groups = model:groups()
      assert.same({ "fc", 39, 24 + 9 }, { groups[#groups].name, groups[#groups].count, groups[#groups].decayed })
   end)
end)

describe("a run with a loss of these, and batches of identities", function()
   local root

   setup(function() root = scratch.make() end)
   teardown(function() scratch.remove(root) end)

   it("learns, keeps its best weights, and goes on in the middle of an epoch to the same bits", function()
      local make = short_run(root, { epochs = 2, batch_size = 8, seed = 3 })
      local function with_head()
         local model, set, o = make()
         model.fc = nn.EmbeddingHead { in_features = 8, classes = 2, features = 6, dropout = 0.1 }
         o.loss = losses.arcface { margin = 0.3, scale = 16 }
         o.sampler = scute.sampler.identities { individuals = 2, photos = 4 }
         o.optimizer = optim.adamw(model:groups { lr = 0.01 })
         return model, set, o
      end
      local whole, resumed, result = goes_on.both(with_head, root .. "/runs", 4)
      assert.equal(whole, resumed)
      assert.is_true(result.history[2].train_loss < result.history[1].train_loss / 2)
      assert.equal(6, models.load(result.folder .. "/best.safetensors").fc.features)
      local run = json_file.read(result.folder .. "/run.json")
      assert.equal("arcface margin = 0.3, scale = 16", run.settings.loss)
   end)
end)
