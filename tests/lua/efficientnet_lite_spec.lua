-- EfficientNet-Lite0: its tree and its numbers against PyTorch (tests/golden/make_lite.py), and whose weight files it takes.
local json = require "cjson"
local lfs = require "lfs"
local scute = require "scute"
local match = require "scute.weights.match"
local message_of = dofile "tests/lua/message_of.lua"
local parity = dofile "tests/lua/parity.lua"
local models = scute.models

local REAL = "deps/weights/efficientnet-lite0-57934424.pth"
local STAMPS = os.getenv "STAMPS" or "/usr/share/tuxpaint/stamps"
local SCORES = 1e-4 -- of about 10, in float32, after 50 layers

local golden, facts = parity.golden "efficientnet_lite0_real"

-- The entries of a model, as weights.apply takes them, and under other names.
local function entries_of(model, rename)
   local state, list = model:state_dict(), {}
   for i, name in ipairs(state.names) do
      list[i] = { name = rename and rename[name] or name, shape = state.tensors[name].shape }
   end
   return list
end

local function shapes(classes)
   return scute.nn.init.on("shape", models.efficientnet_lite0, { classes = classes or 1000 })
end

-- The names of the file's entries by the model's, as the Python package efficientnet_pytorch has them.
local function names_of_file()
   local theirs = {}
   for _, pair in ipairs(json.decode(facts.names)) do theirs[pair[2]] = pair[1] end
   return theirs
end

-- timm's, by its code (timm/models/_efficientnet_blocks.py): as in its B0, without squeeze-excitation.
local function names_of_timm(prefix)
   local edges = { ["features.0.0"] = "conv_stem", ["features.0.1"] = "bn1", ["features.8.0"] = "conv_head",
      ["features.8.1"] = "bn2", ["classifier.1"] = "classifier" }
   local first = { ["0.0"] = "conv_dw", ["0.1"] = "bn1", ["1.0"] = "conv_pw", ["1.1"] = "bn2" }
   local later = { ["0.0"] = "conv_pw", ["0.1"] = "bn1", ["1.0"] = "conv_dw", ["1.1"] = "bn2", ["2.0"] = "conv_pwl",
      ["2.1"] = "bn3" }
   local theirs = {}
   for _, name in ipairs(json.decode(facts.order)) do
      local place, entry = name:match "^(.*)%.([^.]+)$"
      local stage, block, position = place:match "^features%.(%d)%.(%d)%.block%.(.*)$"
      local layer = edges[place] or ("blocks.%d.%d.%s"):format(stage - 1, block, (stage == "1" and first or later)[position])
      theirs[name] = ("%s%s.%s"):format(prefix or "", layer, entry)
   end
   return theirs
end

describe("efficientnet_lite0", function()
   it("has the entries of torchvision's tree in their order, and the parameters and multiply-adds of PyTorch's", function()
      local model = shapes()
      assert.same(json.decode(facts.order), model:state_dict().names)
      assert.equal(tonumber(facts.parameters), model:num_parameters())
      local info = models.info "efficientnet_lite0"
      assert.same({ tonumber(facts.parameters), tonumber(facts.macs) }, { info.parameters, info.macs })
      local groups, n = {}, 0
      for i, group in ipairs(model:groups()) do
         groups[i], n = group.name, n + group.count
      end
      assert.same({ "stem", "stage1", "stage2", "stage3", "stage4", "stage5", "stage6", "stage7", "top", "classifier" }, groups)
      assert.equal(model:num_parameters(), n)
   end)

   it("prepares photos as its authors do, and a file says so to the last digit", function()
      local model = models.efficientnet_lite0 { classes = 2, image_size = 32 }
      local p = shapes().preprocessing
      assert.same({ 256, 224, "bicubic" }, { p.resize, p.crop, p.filter })
      for c = 1, 3 do
         assert.is_true(math.abs(p.mean[c] * 255 - 127) < 1e-9 and math.abs(p.std[c] * 255 - 128) < 1e-9)
      end
      local path = os.tmpname()
      models.save(model, path)
      local loaded = models.load(path)
      os.remove(path)
      assert.same(model.preprocessing, loaded.preprocessing)
      assert.equal(37, loaded.preprocessing.resize)
      local x = scute.randn(1, 3, 33, 32)
      assert.same(scute.no_grad(model:eval(), x):values(), scute.no_grad(loaded, x):values())
   end)

   it("pads below and on the right alone where it halves the size, and trains in parts", function()
      local model = models.efficientnet_lite0 { classes = 3 }:train():freeze("backbone"):unfreeze { "stage7", "head" }
      for _, path in ipairs { "features.0.0", "features.2.0.block.1.0", "features.6.0.block.1.0" } do
         assert.equal("same_tf", model:get(path).padding)
      end
      local loss = scute.cross_entropy(model(scute.randn(2, 3, 40, 40)), scute.tensor({ 1, 2 }, { dtype = "i64" }))
      loss:backward()
      assert.is_nil(model:get("features.6.3.block.2.0").weight.grad)
      assert.is_not_nil(model:get("features.7.0.block.0.0").weight.grad)
      local path = os.tmpname()
      model:get("features.7.0.block"):add("1", scute.nn.Conv2d { 1152, 1152, 3, padding = "same_tf", groups = 1152 })
      models.save(model, path)
      local loaded = models.load(path)
      os.remove(path)
      assert.equal("same_tf", loaded:get("features.7.0.block.1").padding)
   end)
end)

-- ---- whose files ----

describe("the weights of EfficientNet-Lite0", function()
   it("are taken in efficientnet_pytorch's names, whatever stands before them", function()
      local model = shapes()
      local theirs = names_of_file()
      for _, prefix in ipairs { "", "module.", "model._orig_mod." } do
         local file = entries_of(model, theirs)
         for _, entry in ipairs(file) do entry.name = prefix .. entry.name end
         local report = match.apply(entries_of(model), file, { head = "classifier.1" })
         assert.same({ 296, 296, false, {} }, { report.loaded, report.renamed, report.timm, report.zeroed })
         for ours, name in pairs(theirs) do assert.equal(prefix .. name, report.map[ours]) end
         assert.equal("efficientnet_lite0", match.guess(file))
      end
      local few = shapes(3)
      assert.is_true(match.apply(entries_of(few), entries_of(model, theirs), { head = "classifier.1" }).dropped_head)
   end)

   it("are no others in those names", function()
      local rename = require("scute.weights.efficientnet_pytorch").lite0
      for _, name in ipairs { "_blocks.16._bn1.weight", "_blocks.0._expand_conv.weight", "_blocks.1._se_reduce.weight",
         "_blocks.99999999999999999999._bn1.weight", "_blocks.1._bn3.weight", "_conv.weight", "weight", "" } do
         assert.is_nil(rename(name), name)
      end
      local b0 = { { name = "_conv_stem.weight", shape = { 32, 3, 3, 3 } },
         { name = "_blocks.0._se_reduce.weight", shape = { 8, 32, 1, 1 } } }
      assert.is_nil(match.guess(b0))
      assert.is_nil(require("scute.weights.timm").efficientnet_lite "blocks.1.99999999999999999999.bn1.weight")
      local lite1 = entries_of(shapes(), names_of_file())
      lite1[#lite1 + 1] = { name = "_blocks.16._depthwise_conv.weight", shape = { 672, 1, 5, 5 } }
      assert.is_nil(match.guess(lite1))
      for _, name in ipairs { "efficientnet_b0", "efficientnet_lite0" } do
         local model = scute.nn.init.on("shape", models.create, name)
         assert.matches("its names are efficientnet_pytorch's, whose B0 to B7 pad as TensorFlow does and are no network here",
            message_of(match.apply, entries_of(model), b0, { model = name }), 1, true)
         assert.matches("its names are efficientnet_pytorch's, whose EfficientNet-Lite1 to Lite4 are no network here",
            message_of(match.apply, entries_of(model), lite1, { model = name }), 1, true)
      end
   end)

   it("are taken in timm's names, and told from MobileNetV2's and B0's", function()
      local model = shapes()
      local report = match.apply(entries_of(model), entries_of(model, names_of_timm "model."), { head = "classifier.1" })
      assert.same({ 296, 296, true }, { report.loaded, report.renamed, report.timm })
      assert.equal("efficientnet_lite0", match.guess(entries_of(model, names_of_timm())))
      assert.equal("efficientnet_lite0", match.guess(entries_of(model)))
      for _, name in ipairs { "mobilenet_v2", "efficientnet_b0", "efficientnet_b1" } do
         local other = scute.nn.init.on("shape", models.create, name)
         assert.equal(name, match.guess(entries_of(other)))
         for _, theirs in ipairs { names_of_timm(), names_of_file() } do
            assert.matches("it looks like efficientnet_lite0: use that model", message_of(match.apply, entries_of(other),
               entries_of(model, theirs), { model = name }))
         end
      end
   end)

   it("are timm's of TensorFlow alone", function()
      local variant = require "scute.weights.variant"
      local function check(path, metadata, of_timm)
         return variant.check(path, metadata or {}, { arch = "efficientnet_lite0" }, { timm = of_timm ~= false })
      end
      for _, case in ipairs { { "x/tf_efficientnet_lite0-0aa007d2.pth" }, { "w.pth", { arch = "tf_efficientnet_lite0.in1k" } },
         { "hub/models--timm--tf_efficientnet_lite0.in1k/snapshots/1/model.safetensors" } } do
         assert.is_nil(check(table.unpack(case)))
      end
      for _, case in ipairs { { "x/efficientnet_lite0_ra-37913777.pth" }, { "w.pth", { architecture = "efficientnet_lite0" } },
         { "hub/models--timm--efficientnet_lite0.ra_in1k/snapshots/1/model.safetensors" } } do
         assert.matches("is of timm's efficientnet_lite0[^ ]*, which pads symmetrically and computes batch norm with an "
            .. "epsilon of 1e%-5; efficientnet_lite0 is the same network as timm's tf_efficientnet_lite0: take a file of that",
            message_of(check, table.unpack(case)))
      end
      assert.equal("runs/efficientnet_lite0/w.pth has timm's names and does not say which network it is: it is taken for "
         .. "tf_efficientnet_lite0 (epsilon 1e-3, asymmetric padding), not for timm's efficientnet_lite0 (1e-5, symmetric)",
         check "runs/efficientnet_lite0/w.pth")
      assert.is_nil(check("w.pth", { architecture = "efficientnet_lite0" }, false)) -- scute's own
      assert.is_nil(check("efficientnet-lite0-57934424.pth", {}, false))
   end)
end)

-- ---- the real ones ----

local function has_real()
   if lfs.attributes(REAL) then return true end
   return pending(REAL .. " is not there; make weights fetches it")
end

local function real(more)
   local given = { pretrained = REAL, log = false }
   for key, value in pairs(more or {}) do given[key] = value end
   return models.create("efficientnet_lite0", given)
end

describe("the real EfficientNet-Lite0", function()
   it("gives PyTorch's 1000 scores and 1280 features without a fallback", function()
      if not has_real() then return end
      local model = real():eval()
      local x = parity.images({ 2, 3, 224, 224 }, "cpu", "f32")
      scute.profile "reset"
      local features = model:embed(x)
      local scores = scute.no_grad(model.head, model, features)
      local difference, size = parity.difference(features:values(), golden.features)
      assert.is_true(difference <= 1e-5 * size, ("features: %g of %g"):format(difference, size))
      difference, size = parity.difference(scores:values(), golden.logits)
      assert.is_true(difference <= SCORES, ("scores: %g of %g"):format(difference, size))
      assert.equal("", parity.fallbacks())
      assert.same({ 2, 1000 }, scores.shape)
   end)

   it("sees in photos what it sees in PyTorch", function()
      if not has_real() then return end
      if not lfs.attributes(STAMPS) then return pending(STAMPS .. " is not there; make stamps fetches it") end
      local model, stamps = real { pad_square = true }, require "scute.data.stamps"
      local rows = {}
      for i, photo in ipairs(json.decode(facts.photos)) do
         local class, number = photo:match "^(%l+)/(%d+)%.png$"
         rows[i] = scute.image.load(stamps.originals(STAMPS, class)[tonumber(number)]):preprocess(model.preprocessing)
      end
      local scores = scute.no_grad(model:eval(), scute.concat(rows, 1))
      local difference = parity.difference(scores:values(), golden.photo_logits)
      assert.is_true(difference <= SCORES, ("scores: %g"):format(difference))
      assert.same(golden.photo_logits:argmax(2):values(), scores:argmax(2):values())
   end)

   it("has a new head for other classes", function()
      if not has_real() then return end
      local lines = {}
      local function log(line) lines[#lines + 1] = line end
      local model = real { classes = { "green", "loggerhead" }, log = log }
      assert.same({ "new head: classifier.1 1280 → 2, normal 0.01" }, lines)
      assert.same({ 294, true }, { model.weights.report.loaded, model.weights.report.dropped_head })
   end)
end)
