-- Models for PyTorch and timm: names, sheets, heads, what is refused. tests/export runs them where such programs are.
local cjson = require "cjson"
local scute = require "scute"
local names = require "scute.weights.timm"
local pytorch = require "scute.export.pytorch"
local Small = dofile "tests/lua/small.lua"
local export, models, nn = scute.export, scute.models, scute.nn

local folder

local function read_file(path)
   local file <close> = assert(io.open(path, "rb"))
   return file:read "a"
end

local function names_of(arch)
   return models.with_shapes(arch, function(model) return model:state_dict().names end)
end

-- timm's names in its own order: a line for each layer.
local function timm_keys(arch)
   local list = {}
   for layer, entries in read_file("tests/golden/timm/" .. arch .. ".keys"):gmatch "(%S+) ([^\n]+)" do
      for entry in entries:gmatch "%S+" do list[#list + 1] = layer .. "." .. entry end
   end
   return list
end

local function sheet_of(path)
   return cjson.decode(read_file((path:gsub("safetensors$", "json"))))
end

-- A model with trained statistics of batch norm, as far as a test can tell.
local function network(arch)
   local model = models.create(arch, { classes = { "green", "hawk's \"bill\"", "ridley" }, image_size = 32 })
   scute.no_grad(function() model:train()(scute.randn(2, 3, 32, 32)) end)
   return model:eval()
end

-- The same bits; a network has millions of numbers.
local function same(expected, tensor)
   assert.same(expected.shape, tensor.shape)
   assert.equal(scute.checksum { expected }, scute.checksum { tensor })
end

local function refuses(text, f, ...)
   local ok, why = pcall(f, ...)
   assert.is_false(ok)
   assert.is_truthy(tostring(why):find(text, 1, true), why)
end

setup(function()
   folder = os.tmpname()
   os.remove(folder)
   scute.files.mkdirs(folder)
end)
teardown(function() os.execute(("rm -rf '%s'"):format(folder)) end)

describe("names of timm", function()
   it("are what timm has, in its order", function()
      for arch, rename in pairs { efficientnet_b0 = names.of_efficientnet, efficientnet_b3 = names.of_efficientnet,
         mobilenet_v2 = names.of_mobilenet, efficientnet_v2_s = require("scute.weights.timm_efficientnet_v2").to_timm } do
         local list = {}
         for i, name in ipairs(names_of(arch)) do list[i] = rename(name) end
         assert.same(timm_keys(arch), list)
      end
   end)

   it("of ConvNeXt become torchvision's, in its order", function()
      local list = {}
      for i, name in ipairs(timm_keys "convnext_tiny") do list[i] = require("scute.weights.timm_convnext").of_timm(name) end
      assert.same(names_of "convnext_tiny", list)
   end)

   it("lead back to torchvision's", function()
      for arch in pairs(scute.weights.FILES) do
         local kind = arch:match "^(efficientnet)_b" or arch:match "^(mobilenet)_v2"
         for _, name in ipairs(kind and names_of(arch) or {}) do
            assert.equal(name, names[kind](names["of_" .. kind](name)))
         end
      end
   end)

   it("are none where torchvision has none", function()
      assert.is_nil(names.of_efficientnet "features.1.0.block.7.0.weight")
      assert.is_nil(names.of_efficientnet "fc.weight")
      assert.is_nil(names.of_mobilenet "features.99.conv.0.0.weight")
      local convnext = require "scute.weights.timm_convnext"
      for _, name in ipairs { "stages.0.downsample.0.weight", "stages.1.blocks.0.attn.weight", "head.drop.weight", "gamma",
         "stages.0.blocks.x.gamma", "weight" } do
         assert.is_nil(convnext.of_timm(name))
      end
   end)
end)

describe("export.torch", function()
   it("has torchvision's names, shapes and dtypes, and the same numbers", function()
      local model, path = network "resnet18", folder .. "/torch.safetensors"
      export.torch(model, path)
      local state, own, n = scute.weights.load(path), model:state_dict().tensors, 0
      for line in read_file "tests/golden/parity/resnet18.keys":gmatch "[^\n]+" do
         local name, dtype = line:match "^(%S+) (%S+)"
         n = n + 1
         assert.equal(name, state.names[n])
         assert.equal(dtype, state.tensors[name].dtype)
         same(own[name], state.tensors[name])
      end
      assert.equal(n, #state.names)
   end)

   it("tells how it is loaded, and what a photo goes through", function()
      local model, path = network "mobilenet_v2", folder .. "/sheet.safetensors"
      model:set_dropout(0.5)
      export.torch(model, path, { about = { accuracy = 0.75, split = "drawn, 20 %, seed 0" } })
      local sheet = sheet_of(path)
      assert.same(model.classes, sheet.classes)
      assert.equal("model = torchvision.models.mobilenet_v2(num_classes=3, dropout=0.5).eval()", sheet.load[2])
      assert.is_truthy(sheet.load[3]:find('load_file("sheet.safetensors"), strict=True', 1, true))
      assert.equal("T.Compose([T.Resize(37, T.InterpolationMode.BILINEAR), T.CenterCrop(32), T.ToTensor(), "
         .. "T.Normalize([0.485,0.456,0.406], [0.229,0.224,0.225])])", sheet.transform)
      assert.same({ resize = 37, crop = 32, interpolation = "bilinear", mean = { 0.485, 0.456, 0.406 },
         std = { 0.229, 0.224, 0.225 } }, sheet.preprocessing)
      assert.equal(scute.weights.sha256(path), sheet.weights.sha256)
      assert.same({ accuracy = 0.75, split = "drawn, 20 %, seed 0" }, sheet.about)
   end)

   it("tells how photos are padded, and nothing of what is not done to them", function()
      local model, path = network "resnet18", folder .. "/pad.safetensors"
      model.preprocessing.pad_square, model.preprocessing.crop = true, 0
      export.torch(model, path)
      local sheet = sheet_of(path)
      assert.same({ "import torchvision.transforms as T", "import PIL.ImageOps" }, sheet.imports)
      assert.equal("T.Compose([T.Lambda(lambda photo: PIL.ImageOps.expand(photo, tuple((max(photo.size) - side + more) // 2 "
         .. 'for more in (0, 1) for side in photo.size), "white")), T.Resize(37, T.InterpolationMode.BILINEAR), T.ToTensor(), ',
         sheet.transform:match "^.*ToTensor%(%), ")
      model.preprocessing.pad_square, model.preprocessing.resize, model.preprocessing.crop = false, 0, 32
      export.torch(model, path)
      assert.matches("^T%.Compose%(%[T%.CenterCrop%(32%), T", sheet_of(path).transform)
      refuses("not resized and cropped to one size", export.timm, model, folder .. "/any.safetensors")
      model.preprocessing.crop = 0
      refuses("does not say what it takes: give the shape of an input", export.onnx, model, folder .. "/any.onnx")
   end)

   it("takes the place of an earlier export, not of a model or of what belongs to others", function()
      local model, path = network "resnet18", folder .. "/model.safetensors"
      models.save(model, path)
      local before = scute.weights.sha256(path)
      for _, format in ipairs { "torch", "timm" } do
         refuses("model.safetensors' is a model of scute, which would be lost", export[format], model, path)
         scute.files.write(folder .. "/run.json", '{ "photos": {} }')
         refuses("run.json', which would go beside it, is there already", export[format], model, folder .. "/run.safetensors")
      end
      refuses("expected a path that ends in .onnx, by which", export.onnx, model, path)
      assert.equal(before, scute.weights.sha256(path))
      assert.is_nil(io.open(folder .. "/run.safetensors"))
      export.torch(model, folder .. "/twice.safetensors")
      export.torch(model, folder .. "/twice.safetensors")
   end)

   it("leaves what was there, both of it, where the disk is full for the second", function()
      local model, path = network "resnet18", folder .. "/full.safetensors"
      export.torch(model, path)
      local before, write = scute.weights.sha256(path), scute.files.write
      scute.no_grad(function() model.fc.bias:fill_(1) end)
      scute.files.write = function(name) error(name .. ": no space left on device", 0) end
      local done, why = pcall(export.torch, model, path)
      scute.files.write = write
      assert.is_false(done)
      assert.matches("full.json: no space left on device", why)
      assert.equal(before, scute.weights.sha256(path))
      assert.equal(before, sheet_of(path).weights.sha256)
      assert.is_nil(io.open(path .. ".part"))
   end)

   it("takes for `about` what a file can hold, and nothing that the model says itself", function()
      local model = network "resnet18"
      for words, about in pairs { ["'accuracy': expected a text in UTF-8, a finite number"] = { accuracy = 0 / 0 },
         ["'loss': expected"] = { loss = -math.huge }, ["by name, as in { accuracy = 0.9 }, found one at 1"] = { "best" },
         ["'tags': expected"] = { tags = { "a" } }, ["'split': expected"] = { split = "\xff" } } do
         refuses("export.torch: about: ", export.torch, model, folder .. "/about.safetensors", { about = about })
         refuses(words, export.timm, model, folder .. "/about.safetensors", { about = about })
         refuses(words, export.onnx, model, folder .. "/about.onnx", { about = about })
      end
      refuses("about: 'classes' is what the file says of the model itself", export.onnx, model, folder .. "/about.onnx",
         { about = { classes = "a, b" } })
      assert.is_nil(io.open(folder .. "/about.safetensors") or io.open(folder .. "/about.onnx"))
   end)

   it("tells a head of one's own in PyTorch's words", function()
      local model, path = network "resnet18", folder .. "/head.safetensors"
      model.fc = nn.Sequential { nn.Dropout { p = 0.3 }, nn.Linear { 512, 8 }, nn.GELU(), nn.Linear { 8, 3, bias = false } }
      export.torch(model, path)
      assert.equal('model.fc = torch.nn.Sequential(torch.nn.Dropout(0.3), torch.nn.Linear(512, 8), '
         .. 'torch.nn.GELU(approximate="none"), torch.nn.Linear(8, 3, bias=False)).eval()', sheet_of(path).load[3])
      assert.equal("model.classifier[1]", pytorch.place "classifier.1")
      model.fc = nn.Sequential { nn.Normalize(), nn.Linear { 512, 3 } }
      refuses("the head 'fc' of resnet18 has a Normalize, which has no counterpart", export.torch, model, path)
   end)

   it("is as wide as PyTorch builds it", function()
      local model, path = network "mobilenet_v2", folder .. "/half.safetensors"
      export.torch(model:to "f16", path)
      for name, tensor in pairs(scute.weights.load(path).tensors) do
         assert.equal(name:find "num_batches" and "i64" or "f32", tensor.dtype)
      end
   end)

   it("names the layer whose forward is one's own", function()
      local model = network "resnet18"
      function model.fc:forward(x) return nn.Linear.forward(self, x) * 2 end
      refuses("'fc' has a forward of its own, which is code", export.torch, model, folder .. "/code.safetensors")
   end)

   it("takes what counts in training alone, and nothing else that is not the architecture's", function()
      local model, path = network "resnet18", folder .. "/other.safetensors"
      model:set_dropout(0.2)
      model.layer1[1].bn1.momentum = 0.01
      export.torch(model, path)
      model.layer1[1].bn1.eps = 1e-3
      refuses("'layer1.0.bn1' is a BatchNorm2d, which is not as torchvision's resnet18 has it", export.torch, model, path)
      model.layer1[1].bn1.eps, model.layer2[1].relu = 1e-5, nn.SiLU()
      refuses("'layer2.0.relu' is a SiLU", export.timm, model, path)
      refuses("'small' is none of torchvision's networks", export.torch, Small { "a", "b" }, path)
   end)

   it("says what it expects", function()
      local model = network "mobilenet_v2"
      refuses("export.torch: expected a model of scute.models, found nil", export.torch)
      refuses("export.torch: expected a model of scute.models, found Linear", export.torch, nn.Linear { 2, 2 }, "x.safetensors")
      refuses("expected a path that ends in .safetensors, by which timm knows what is in it, found 'x.pth'", export.timm, model,
         "x.pth")
      refuses("unknown option 'abuot'; did you mean 'about'?", export.timm, model, "x.safetensors", { abuot = {} })
      refuses(folder .. "/nowhere/x.safetensors", export.torch, model, folder .. "/nowhere/x.safetensors")
   end)
end)

describe("export.about", function()
   local run, split = {}, "file,label,split,digest\n"

   -- A folder as a run leaves it; returns what the model files in it say.
   local function leave(name, result)
      run = folder .. "/" .. name
      scute.files.mkdirs(run)
      scute.files.write(run .. "/split.csv", split)
      scute.files.write(run .. "/history.csv", "epoch,step,lr_fc,val_accuracy,ema_val_accuracy\n1,9,0.1,0.5,0.25\n"
         .. "2,18,0.1,0.75,0.5\n")
      scute.files.write(run .. "/run.json", cjson.encode { split = "drawn, 20 %, seed 0", precision = "fp32",
         photos = { val = 8 }, result = result })
      return { split = scute.weights.sha256(run .. "/split.csv") }
   end

   it("tells the accuracy that a run found, of the epoch that the model is of", function()
      local metadata = leave("run", { best_epoch = 1, val_accuracy = 0.875, ema_best_epoch = 2, ema_val_accuracy = 0.5 })
      for name, expected in pairs { best = { 0.875, 1 }, best_ema = { 0.5, 2 }, last = { 0.75, 2 }, ema = { 0.5, 2 } } do
         local about, why = export.about(("%s/%s.safetensors"):format(run, name), metadata)
         assert.is_nil(why)
         assert.same(expected, { about.accuracy, about.epoch })
         local when = name:find "best" and "at the best epoch, which was chosen on them" or "after the last epoch"
         assert.equal("8 photos that validated, in fp32, " .. when, about.accuracy_on)
         assert.same({ "drawn, 20 %, seed 0", metadata.split }, { about.split, about.split_sha256 })
      end
   end)

   it("says why it is not known, and tells nothing of another run", function()
      local metadata = leave("other", { best_epoch = 1 })
      for path, words in pairs { [run .. "/best.safetensors"] = "run.json does not say it",
         [run .. "/mine.safetensors"] = "no run calls its model mine.safetensors",
         [folder .. "/nowhere/best.safetensors"] = "No such file" } do
         local about, why = export.about(path, metadata)
         assert.is_nil(about.accuracy)
         assert.is_truthy(why:find(words, 1, true), why)
      end
      scute.files.write(run .. "/history.csv", "epoch,step,lr_fc,val_accuracy\n1,9,0.1,nan\n")
      local no_number, because = export.about(run .. "/last.safetensors", metadata)
      assert.is_nil(no_number.accuracy)
      assert.is_truthy(because:find("run.json does not say it", 1, true), because)
      local about, why = export.about(run .. "/best.safetensors", { split = ("0"):rep(64) })
      assert.is_truthy(why:find("split.csv is not the one of this model", 1, true), why)
      assert.same({ split_sha256 = ("0"):rep(64), exported_by = "scute " .. scute.version().scute }, about)
   end)
end)

describe("export.onnx", function()
   it("refuses what is no question to such a model, and writes nothing", function()
      local path, maps = folder .. "/refused.onnx", nn.Conv2d { 3, 2, 3 }
      refuses("probabilities are made of scores (N, classes), and the model returned a tensor of shape (2, 2, 6, 6)",
         export.onnx, maps, path, { shape = { 3, 8, 8 }, outputs = "probabilities" })
      refuses("a Conv2d does not say by which mean and deviation photos are normalised; take input = \"float\"", export.onnx,
         maps, path, { shape = { 3, 8, 8 }, input = "uint8" })
      assert.is_nil(io.open(path))
   end)
end)

describe("export.timm", function()
   it("has timm's names and a sheet as timm's config.json", function()
      local model, path = network "efficientnet_b0", folder .. "/timm.safetensors"
      export.timm(model, path)
      local state, own = scute.weights.load(path), model:state_dict()
      assert.same(timm_keys "efficientnet_b0", state.names)
      for i, name in ipairs(state.names) do same(own.tensors[own.names[i]], state.tensors[name]) end
      local sheet = sheet_of(path)
      assert.equal("efficientnet_b0", sheet.architecture)
      assert.same(model.classes, sheet.label_names)
      assert.same({ 3, 32, 32 }, sheet.pretrained_cfg.input_size)
      assert.equal(model.preprocessing.resize, math.floor(32 / sheet.pretrained_cfg.crop_pct))
      assert.equal('model = timm.create_model("efficientnet_b0", num_classes=3, checkpoint_path="timm.safetensors").eval()',
         sheet.load[2])
   end)

   it("is read back by scute", function()
      local model, path = network "mobilenet_v2", folder .. "/back.safetensors"
      export.timm(model, path)
      local again = models.create("mobilenet_v2", { classes = model.classes, pretrained = path, log = false })
      same(model.classifier[2].weight, again.classifier[2].weight)
      assert.equal("mobilenetv2_100", sheet_of(path).architecture)
   end)

   it("refuses what timm does not have", function()
      local model, path = network "mobilenet_v2", folder .. "/refused.safetensors"
      model.preprocessing.pad_square = true
      refuses("padded to a square first", export.timm, model, path)
      model.preprocessing.pad_square = false
      model.classifier = nn.Sequential { nn.Linear { 1280, 4 }, nn.Linear { 4, 3 } }
      refuses("the head 'classifier' of mobilenet_v2 is one of your own", export.timm, model, path)
      for name, why in pairs { mobilenet_v3_small = "hidden layer is a convolution", convnext_tiny = "one dimension there",
         efficientnet_lite0 = "timm's tf_efficientnet_lite0, whose names it does not write; format onnx takes it" } do
         local other = nn.init.skip(models.create, name, { classes = 2, image_size = 32 })
         refuses(why, export.timm, other, path)
      end
      assert.is_nil(io.open(path))
   end)
end)
