-- Models of individuals (reid.model), what they are trained with (reid.loss), what they say of photos (reid.embeddings), and
-- the figures of a run (scute.reid.measured).
local scute = require "scute"
local console = require "scute.base.console"
local head = require "scute.reid.head"
local measured = require "scute.reid.measured"
local photos = dofile "tests/cli/photos.lua"
dofile "tests/lua/small.lua"
local models, nn, reid = scute.models, scute.nn, scute.reid

local NAMES = { "anna", "bert", "carl" }
local root

setup(function()
   console.quiet = true
   root = os.tmpname()
   os.remove(root)
   photos.set(root .. "/photos", { anna = 5, bert = 5, carl = 5 })
end)
teardown(function()
   console.quiet = false
   os.execute(("rm -rf '%s'"):format(root))
end)

local function small(changes, names)
   scute.manual_seed(3)
   local o = { model = "small", weights = "none", embedding_size = 6, log = false }
   for name, value in pairs(changes or {}) do o[name] = value end
   return reid.model(o, names or NAMES)
end

local function refusal(f, ...)
   local ok, why = pcall(f, ...)
   assert.is_false(ok)
   return tostring(why)
end

local function files()
   local list = {}
   for _, name in ipairs(NAMES) do
      for k = 1, 3 do list[#list + 1] = ("%s/photos/%s/%03d.bmp"):format(root, name, k) end
   end
   return list
end

local function furthest(a, b)
   return (a - b):abs():max():item()
end

describe("reid.model", function()
   it("puts a head that embeds in the place of the one that classifies", function()
      local model = small()
      assert.equal("EmbeddingHead", model.fc.class_name)
      assert.same(NAMES, model.classes)
      local cosines = scute.no_grad(model:eval().call, model, scute.randn(4, 3, 16, 16))
      assert.same({ 4, 3 }, cosines.shape)
      assert.is_true(cosines:abs():max():item() <= 1 + 1e-6)
      assert.is_true(model.preprocessing.pad_square)
      assert.equal(model.preprocessing.crop, model.preprocessing.resize)
      assert.is_false(small { fit = "crop" }.preprocessing.pad_square)
      model:freeze "backbone"
      assert.is_true(model:is_backbone_frozen())
   end)

   it("drops features as it is told, and not as the architecture does", function()
      assert.equal(0, small { model = "baseline_cnn", image_size = 32 }.dropout.p)
      assert.equal(0.25, small { model = "baseline_cnn", image_size = 32, dropout = 0.25 }.dropout.p)
      assert.is_nil(rawget(small(), "dropout_before_head"))
      assert.equal(0.25, rawget(small { dropout = 0.25 }, "dropout_before_head"))
   end)

   it("tells what it did", function()
      local lines = {}
      small { log = function(line) lines[#lines + 1] = line end, sub_centers = 2 }
      assert.same({ "new head: fc 8 → 6, BN-neck, 3 individuals with 2 centres each" }, lines)
   end)

   it("starts from the backbone of a classifier, whatever its head", function()
      scute.manual_seed(8)
      local path = root .. "/classifier.safetensors"
      local classifier = models.small { classes = { "red", "blue" } }
      classifier.fc = nn.Sequential { nn.Linear { 8, 5 }, nn.ReLU(), nn.Linear { 5, 2 } }
      models.save(classifier, path)
      local model = small { from = path, model = false, weights = false }
      assert.same(classifier.conv1.weight:values(), model.conv1.weight:values())
      assert.same(classifier.layer4[2].running_var:values(), model.layer4[2].running_var:values())
      assert.equal(scute.weights.sha256(path), model.weights.sha256)
      assert.matches("is a small, and model says resnet18", refusal(small, { from = path, model = "resnet18",
         weights = false }))
      assert.matches("'from' and 'weights' exclude each other", refusal(small, { from = path }))
      assert.matches("^from: ", refusal(small, { from = root .. "/nowhere", weights = false }))
   end)

   it("keeps the embedding of a model of individuals, and makes its centres new", function()
      local path, first = root .. "/embeds.safetensors", small()
      scute.no_grad(function() first.fc.neck.weight:fill_(2) end)
      models.save(first, path)
      local lines = {}
      local again = small({ from = path, model = false, weights = false, embedding_size = false, -- it is the file's
         log = function(line) lines[#lines + 1] = line end }, { "dora", "emil" })
      assert.same(first.fc.embedding.weight:values(), again.fc.embedding.weight:values())
      assert.same(first.fc.neck.weight:values(), again.fc.neck.weight:values())
      assert.same({ 2, 6 }, again.fc.classes.weight.shape)
      assert.matches("the embedding is kept, its centres are new: fc 8 → 6, BN%-neck, 2 individuals", lines[2])
      small({ from = path, model = false, weights = false, embedding_size = 7, log = function(line) lines[3] = line end })
      assert.matches("^new head: fc 8 → 7", lines[3])
   end)

   it("is a file's whole: saved and loaded it says the same", function()
      local path, model = root .. "/model.safetensors", small { sub_centers = 2 }
      model:train()(scute.randn(4, 3, 16, 16)) -- what forward leaves behind is no matter
      models.save(model, path)
      local loaded, x = models.load(path), scute.randn(3, 3, 16, 16)
      assert.same(scute.no_grad(model:eval().call, model, x):totable(), scute.no_grad(loaded.call, loaded, x):totable())
      assert.equal(6, head.of(loaded).features)
   end)

   -- Whether a group of the optimizer would have a parameter.
   local function is_in_groups(model, parameter)
      for _, group in ipairs(model:groups()) do
         for _, entry in ipairs(group.parameters) do
            if rawequal(entry[2], parameter) then return true end
         end
      end
      return false
   end

   it("pools by the generalised mean, whose exponent trains with the layers before it, and keeps that in its file", function()
      local path = root .. "/gem.safetensors"
      for _, name in ipairs { "baseline_cnn", "mobilenet_v2" } do
         local model = small { model = name, image_size = 32, pooling = "gem" }
         assert.equal("gem", head.pooling(model))
         model:freeze "backbone"
         assert.is_false(model.avgpool.p.requires_grad)
         assert.is_true(model:is_backbone_frozen())
         model:unfreeze()
         assert.is_true(is_in_groups(model, model.avgpool.p), name)
         scute.no_grad(function() model.avgpool.p:fill_(2.5) end)
         models.save(model, path)
         assert.equal(2.5, models.load(path).avgpool.p:item())
         assert.equal("gem", head.pooling(small { from = path, model = false, weights = false }))
         local x = scute.rand(1, 3, 96, 96) -- so that there is something to take the mean of
         local with = scute.no_grad(model:eval().features, model, x)
         head.pool(model, "avg")
         assert.is_true(furthest(with, scute.no_grad(model.features, model, x)) > 0.01 * with:abs():max():item(), name)
      end
      for _, name in ipairs { "resnet18", "efficientnet_b0" } do
         local model = models.with_shapes(name, function(model) return model end)
         head.pool(model, "gem")
         assert.is_true(is_in_groups(model, model.avgpool.p), name)
      end
      assert.matches("pooling: it is not known what 'small' pools with", refusal(small, { pooling = "gem" }))
   end)

   it("takes networks of one's own whose features end where it can see", function()
      models.register("line_of_reid", function(classes)
         return nn.Sequential { nn.Conv2d { 3, 4, 3 }, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear { 4, #classes } }
      end, { image_size = 16 })
      local model = small { model = "line_of_reid" }
      local found = reid.embeddings(model, files())
      assert.same({ 9, 6 }, found.x.shape)
      local Whole = nn.Module:extend "Whole"
      function Whole:build(classes) self.fc = nn.Linear { 3, #classes } end
      function Whole:forward(x) return self.fc(x:global_avg_pool2d():flatten(2)) end
      models.register("whole_of_reid", Whole, { image_size = 16 })
      assert.matches("it is not known where the features of 'whole_of_reid' end", refusal(small, { model = "whole_of_reid" }))
   end)

   it("refuses what it does not know", function()
      assert.matches("unknown option 'embeding_size'; did you mean 'embedding_size'", refusal(small, { embeding_size = 3 }))
      assert.matches("reid.model: classes: expected a number", refusal(reid.model, { model = "small", weights = "none" }, {}))
   end)
end)

describe("reid.loss", function()
   local x, y

   before_each(function()
      scute.manual_seed(5)
      x, y = scute.randn(6, 3, 16, 16), scute.tensor({ 1, 1, 2, 2, 3, 3 }, { dtype = "i64" })
   end)

   local function gradients(model, loss)
      model:train():zero_grad()
      local value = loss(model(x), y)
      value:backward()
      return value:item(), model.fc.embedding.weight.grad, model.fc.classes.weight.grad
   end

   it("is arcface by its centres", function()
      local model = small { neck = false }
      local loss = reid.loss(model, { margin = 0.3, scale = 20 })
      local cosines = model:train()(x)
      local expected = scute.losses.arcface { margin = 0.3, scale = 20 } (cosines, y):item()
      assert.near(expected, gradients(model, loss), 1e-5)
      assert.equal("arcface", loss.name)
      assert.equal("margin = 0.3, scale = 20", loss:describe())
      local evaluated = scute.no_grad(model:eval().call, model, x)
      assert.near(scute.cross_entropy(evaluated * 20, y):item(), loss(evaluated, y):item(), 1e-6) -- without the margin
   end)

   it("lets centres learn beside where photos are compared with one another", function()
      for _, kind in ipairs { "triplet", "supcon" } do
         local model = small { neck = false }
         local loss = reid.loss(model, { loss = kind, scale = 10 })
         assert.is_true(model.fc.detached)
         local cosines = model:train()(x)
         local alone = scute.losses[kind]()(model.fc.last, y)
         local both = alone:item() + scute.cross_entropy(cosines * 10, y):item()
         alone:backward()
         local expected = model.fc.embedding.weight.grad:clone()
         local value, embedding, centres = gradients(model, loss)
         assert.near(both, value, 1e-5)
         assert.is_true(furthest(expected, embedding) < 1e-6) -- the centres do not move it
         assert.is_true(centres:abs():max():item() > 0)
         assert.matches("; centres with scale = 10$", loss:describe())
      end
      local model = small()
      model.fc.detached = true
      reid.loss(model, { loss = "softmax" })
      assert.is_false(model.fc.detached)
   end)

   it("has dynamic margins", function()
      local model = small { neck = false }
      local loss = reid.loss(model, { margin = "dynamic", counts = { 1, 16, 81 } })
      local cosines = model:train()(x)
      local expected = scute.losses.arcface { margins = { 0.55, 0.3, 0.05 + 0.5 / 3 } } (cosines, y):item()
      assert.near(expected, gradients(model, loss), 1e-5)
   end)

   it("refuses what means nothing", function()
      local model = small()
      assert.matches("'mining' means nothing for arcface", refusal(reid.loss, model, { mining = "hard" }))
      assert.matches("'margin' means nothing for supcon", refusal(reid.loss, model, { loss = "supcon", margin = 1 }))
      assert.matches("'temperature' means nothing for triplet", refusal(reid.loss, model, { loss = "triplet",
         temperature = 1 }))
      assert.matches("the margin of triplet is a number", refusal(reid.loss, model, { loss = "triplet", margin = "dynamic" }))
      assert.matches("dynamic margins need counts", refusal(reid.loss, model, { margin = "dynamic" }))
      assert.matches("expected a number of at least 0, or dynamic, found 'much'", refusal(reid.loss, model,
         { margin = "much" }))
      assert.matches("expected a model of individuals", refusal(reid.loss, models.small { classes = 3 }))
   end)
end)

describe("training a model of individuals", function()
   local function fit(kind, more)
      local model, set = small(), scute.data.open(root .. "/photos", { seed = 1, val_fraction = 0.4 })
      if more.frozen then model:freeze "backbone" end
      local options = { loss = reid.loss(model, { loss = kind, scale = 16 }), epochs = 3, batch_size = 6, workers = 1,
         sampler = kind ~= "arcface" and scute.sampler.identities { individuals = 3, photos = 2 } or nil,
         optimizer = scute.optim.adamw(model:groups { lr = 0.01 }), output_dir = more.output_dir, hooks = more.hooks }
      return scute.train.fit(model, set, options), model, set
   end

   it("goes with each loss, on photos and on features", function()
      for _, kind in ipairs { "arcface", "triplet", "supcon", "softmax" } do
         for _, frozen in ipairs { true, false } do
            local result = fit(kind, { frozen = frozen })
            assert.equal(3, #result.history)
            assert.is_true(result.best.val_accuracy >= 0)
            assert.is_true(result.history[3].train_loss < 1000)
         end
      end
   end)

   it("keeps what a frozen backbone has said for who asks at the end", function()
      local known
      local hook = { on_fit_end = function(run)
         known = { train = run.feed.known(run.set.train), val = run.feed.known(run.set.val) }
      end }
      local result, model, set = fit("arcface", { frozen = true, output_dir = root .. "/out", hooks = { hook } })
      for name, features in pairs(known) do
         local part = set[name]
         local from_features = reid.embeddings(model, part, { known = features })
         local from_photos = reid.embeddings(model, part)
         assert.equal(#part.paths, #from_features.rows)
         local at = {}
         for row, index in ipairs(from_features.rows) do at[index] = row end
         local there, here = from_features.x:totable(), from_photos.x:totable()
         for row, index in ipairs(from_photos.rows) do
            for d = 1, 6 do assert.near(there[at[index]][d], here[row][d], 1e-4) end
         end
      end
      local loaded = models.load(result.folder .. "/best.safetensors")
      assert.equal("EmbeddingHead", loaded.fc.class_name)
   end)
end)

describe("reid.embeddings", function()
   it("are vectors of length 1 of files, rows and parts alike", function()
      local model = small()
      local found = reid.embeddings(model, files(), { batch_size = 4 })
      assert.same({ 9, 6 }, found.x.shape)
      assert.same({ 1, 2, 3, 4, 5, 6, 7, 8, 9 }, found.rows)
      assert.is_true(furthest(found.x:norm(2, 2), scute.ones(9)) < 1e-5)
      assert.same({ "f32", "cpu" }, { found.x.dtype, found.x.device })
      local rows = {}
      for i, path in ipairs(files()) do rows[i] = { path = path, file = path, identity = "x" } end
      assert.same(found.x:totable(), reid.embeddings(model, rows, { batch_size = 4 }).x:totable())
      assert.same(found.x:totable(), reid.embeddings(model, { paths = files() }, { batch_size = 4 }).x:totable())
      assert.is_true(found.complete)
   end)

   it("leave the model in the mode that it was in", function()
      local model = small():train()
      reid.embeddings(model, files())
      assert.is_true(model.training and model.fc.training)
   end)

   it("name photos that cannot be read, and are of the others", function()
      local list = files()
      table.insert(list, 2, root .. "/photos/no.bmp")
      photos.write_file(list[2], "BM no photo at all")
      local found = reid.embeddings(small(), list)
      assert.same({ 1, 3, 4, 5, 6, 7, 8, 9, 10 }, found.rows)
      assert.equal(1, #found.bad)
      assert.equal(list[2], found.bad[1].path)
      local none = reid.embeddings(small(), { list[2] })
      assert.is_nil(none.x)
      assert.same({}, none.rows)
   end)

   it("are the backbone's features where that is asked for, or there is nothing else", function()
      local model = small()
      local features = scute.score(model, { paths = files() }, { want = { "features" } }).features
      local found = reid.embeddings(model, files(), { layer = "features" })
      assert.is_true(furthest(features:normalize(), found.x) < 1e-5)
      scute.manual_seed(3)
      assert.same({ 9, 8 }, reid.embeddings(models.small { classes = 2 }, files()).x.shape)
      assert.matches("the model has no embedding", refusal(reid.embeddings, models.small { classes = 2 }, files(),
         { layer = "embedding" }))
   end)

   it("are those of both mirror images with flips alone", function()
      local model = small()
      local plain, both = reid.embeddings(model, files()), reid.embeddings(model, files(), { flips = true })
      assert.is_true(furthest(both.x:norm(2, 2), scute.ones(9)) < 1e-5)
      assert.is_true(furthest(plain.x, both.x) > 1e-4)
   end)

   it("refuse what holds no photos", function()
      for _, given in ipairs { {}, 3, { paths = {} }, { 1, 2 } } do
         assert.matches("reid.embeddings: expected photos", refusal(reid.embeddings, small(), given))
      end
      assert.matches("expected a model of scute.models", refusal(reid.embeddings, {}, files()))
   end)
end)

describe("metric_learning.open", function()
   it("refuses results among the photos of an individual", function()
      local opt = { data_dir = root .. "/photos", output_dir = root .. "/photos/" .. NAMES[1] .. "/reid",
         val_fraction = 0.15, test_fraction = 0.15, loss = "arcface", per_individual = 1, batch_size = 8, seed = 0 }
      local ok, err = pcall(scute.metric_learning.open, opt)
      assert.is_false(ok)
      assert.matches("^output_dir: .* lies among the photos of class", tostring(err))
   end)
end)

describe("the figures of a run", function()
   -- Embeddings at angles of so many degrees.
   local function side(list)
      local x, made = {}, { ids = {}, keys = {} }
      for i, entry in ipairs(list) do
         x[i] = { math.cos(math.rad(entry[2])), math.sin(math.rad(entry[2])) }
         made.ids[i], made.keys[i] = entry[1], entry[3] or "file " .. i
      end
      made.x = scute.tensor(x)
      return made
   end

   local gallery = side { { "anna", 0 }, { "anna", 10 }, { "bert", 90 }, { "carl", 180 } }

   it("are of photos among those that train", function()
      local found = measured.retrieval(side { { "anna", 2 }, { "bert", 60 }, { "carl", 100 }, { "dora", 50 } }, gallery)
      assert.equal(3, found.photos)
      assert.equal(1, found.without)
      assert.near(2 / 3, found.top_1, 1e-12) -- carl's is nearest to bert
      assert.equal(1, found.top_5)
      assert.matches("^3 photos that test, among 4 that train: top%-1 0.667 %(0%.%d+ to 0%.%d+%), top%-5 1.000, mAP 0%.8",
         measured.text(found, "test"))
   end)

   it("are of photos among one another where nobody trains, but for those of the same encounter", function()
      local found = measured.retrieval(side { { "anna", 0, "a" }, { "anna", 1, "a" }, { "anna", 40, "b" }, { "bert", 20, "c" },
         { "bert", 120, "d" } })
      assert.equal(5, found.photos)
      assert.equal(0, found.top_1) -- the nearest of another encounter is always of somebody else
      assert.equal("test", found.of)
      assert.matches("among one another, but for their own encounter", measured.text(found, "test"))
   end)

   it("make new individuals of known ones where there is none", function()
      local said = measured.answers(side { { "anna", 2 }, { "bert", 88 } }, nil, gallery)
      assert.is_true(said.made)
      assert.same({ true, true, false, false }, said.right)
      assert.same({ "anna", "bert", "bert", "anna" }, said.named)
      assert.near(math.cos(math.rad(2)), said.scores[1], 1e-6)
      assert.near(math.cos(math.rad(88)), said.scores[3], 1e-6)
      local own = measured.answers(side { { "anna", 2 } }, side { { "dora", 50 } }, gallery)
      assert.is_false(own.made)
      assert.same({ true, false }, own.right)
   end)

   it("calibrate on what validates, and tell new ones from known", function()
      local many = {}
      for i = 0, 39 do many[i + 1] = { ({ "anna", "bert", "carl" })[i % 3 + 1], 90 * (i % 3) + i % 7 } end
      local known = { anna = true, bert = true, carl = true }
      local fitted = measured.calibrate(measured.answers(side(many), nil, gallery), known)
      assert.is_true(fitted.threshold > 0.5 and fitted.threshold < 0.99)
      local open = measured.open(measured.answers(side { { "anna", 3 }, { "bert", 89 } }, side { { "dora", 270 } }, gallery),
         fitted, known)
      assert.same({ 1, 1, 1, 3 }, { open.known, open.unknown, open.root, open.photos })
      assert.is_true(open.error >= 0 and open.error < 0.2)
      local plain = measured.fitted_plain(fitted)
      assert.equal("platt", plain.calibration.kind)
      local again = scute.metrics.calibration(plain.calibration)
      assert.near(fitted.calibration:of(0.9), again:of(0.9), 1e-12)
      assert.matches("below a similarity of 0%.%d+ somebody is new: 1.000 of the known", measured.open_text(open, fitted))
      assert.matches("as scripts/identify.lua says it: 1.000 and 1.000", measured.open_text(open, fitted), 1, true)
      assert.same({ known = 1, unknown = 1, root = 1 }, open.likelier)
      assert.is_nil(measured.calibrate({ scores = {} }, known))
   end)

   it("are of a calibration that never falls", function()
      local said = { scores = { 0.1, 0.2, 0.8, 0.9 }, right = { true, true, false, false },
         truth = { "anna", "anna", "bert", "bert" }, named = { "anna", "anna", "anna", "anna" } }
      local fitted = measured.calibrate(said, { anna = true, bert = true })
      assert.is_true(fitted.calibration:of(0.9) >= fitted.calibration:of(0.1))
      assert.near(0.5, fitted.calibration:of(0.9), 1e-9)
   end)

   it("say who is new at a threshold, and who by what is likelier", function()
      local fitted = { threshold = 0.9, calibration = scute.metrics.calibration { kind = "platt", slope = 10, offset = -5 } }
      local said = { truth = { "anna", "bert", "dora" }, named = { "anna", "bert", "anna" }, scores = { 0.95, 0.7, 0.6 },
         right = { true, true, false }, made = false }
      local open = measured.open(said, fitted, { anna = true, bert = true })
      assert.same({ 0.5, 1, 1, 0 }, { open.known, open.unknown, open.likelier.known, open.likelier.unknown })
   end)

   it("have no NaN in files", function()
      assert.same({ a = 1, c = { e = 2, f = false } }, measured.plain { a = 1, b = 0 / 0, c = { d = 0 / 0, e = 2, f = false } })
   end)
end)
