-- Photo by photo: a network that has learned small photos classifies them in onnxruntime as scute does, from numbers and from
-- bytes that the file normalises itself, and the file says what it has to see. Through scripts/export.lua, as a user does it.
local cjson = require "cjson"
local scute = require "scute"
local runtime = dofile "tests/export/runtime.lua"
local scratch = dofile "tests/lua/scratch.lua"

local program, python = arg[-1], os.getenv "PYTHON" or "python3"

-- A network that knows the photos; its files lie in `folder`/baseline_cnn.
local function learn(root)
   scute.manual_seed(0)
   local set = scute.data.open(root .. "/photos", { seed = 0 })
   local model = scute.models.baseline_cnn { classes = set.classes, image_size = 32 }
   scute.train.fit(model, set, { epochs = 3, batch_size = 8, workers = 1, precision = "fp32", output_dir = root,
      optimizer = scute.optim.adamw(model:groups { lr = 0.003 }) })
   return model:eval(), table.move(set.val.paths, 1, #set.val.paths, #set.train.paths + 1, { table.unpack(set.train.paths) })
end

-- All photos as the network sees them, (N, 3, H, W), and their bytes, (N, H, W, 3).
local function see(model, paths)
   local p, numbers, bytes = model.preprocessing, {}, {}
   for i, path in ipairs(paths) do
      local image <close> = scute.image.load(path)
      local small <close> = image:resize { size = p.resize, filter = p.filter }
      local square <close> = small:crop(p.crop)
      numbers[i], bytes[i] = image:preprocess(p), square:tensor()
   end
   return scute.concat(numbers, 1), scute.concat(bytes, 1):permute(1, 3, 4, 2)
end

local function export(root, path, flags)
   local line = "'%s' scripts/export.lua --quiet --model %s/baseline_cnn/best.safetensors --format onnx --output %s %s"
   assert(os.execute(line:format(program, root, path, flags)))
end

-- What the file has to say of itself.
local function check_metadata(check, model, told, input)
   local found = told.metadata
   check(found.architecture == "baseline_cnn" and found.input == input, "architecture and input", found.architecture)
   for name, expected in pairs { classes = model.classes, mean = model.preprocessing.mean, std = model.preprocessing.std,
      resize = model.preprocessing.resize, crop = 32 } do
      check(found[name] == cjson.encode(expected), "metadata: " .. name, found[name])
   end
   check(found.interpolation == "bilinear" and found.split:find "^drawn" and #found.split_sha256 == 64, "metadata: split",
      found.split)
   check(tonumber(found.accuracy) and found.accuracy_on == "6 photos that validated, in fp32, at the best epoch, which was "
      .. "chosen on them", "metadata: accuracy", found.accuracy_on)
end

-- The lines of Python in docs/export.md, on a photo of the camera's kind, say what scute says.
local function check_document(check, root, model)
   if os.execute(python .. " -c 'import onnxruntime, PIL' 2>/dev/null") ~= true then
      return print("not run: the lines of docs/export.md (" .. python .. " has no onnxruntime or no Pillow)")
   end
   local page <close> = assert(io.open "docs/export.md")
   scute.files.write(root .. "/classify.py", page:read "a":match "\n```python\n(.-)```")
   os.execute(("cp examples/photo.jpg %s/turtle.jpg"):format(root))
   export(root, root .. "/turtles.onnx", "--input uint8 --outputs probabilities")
   local pipe <close> = io.popen(("cd %s && %s classify.py 2>&1"):format(root, python))
   local told = pipe:read "a"
   local best = scute.predict.photos(model, { root .. "/turtle.jpg" }, { precision = "fp32" }).photos[1].top[1]
   local class, probability = told:match "^(%S+) ([%d.e-]+)\n$"
   check(class == best.class and math.abs(tonumber(probability) - best.probability) < 1e-5, "docs/export.md classifies a photo",
      told .. best.class .. " " .. best.probability)
end

return function(batch, check)
   local root = scratch.make()
   local model, paths = learn(root)
   local numbers, bytes = see(model, paths)
   local logits = scute.no_grad(model.call, model, numbers)
   local guesses = logits:argmax(2):values()
   check(guesses[1] ~= guesses[#guesses], "the photos are told apart", guesses[1])
   local function add(name, flags, inputs, expected, dtype, input)
      batch:add { name = "photos, " .. name, inputs = inputs, expected = expected, tolerance = runtime.TOLERANCE[dtype],
         save = function(path) export(root, path, flags) end,
         look = function(told, _, outputs)
            check_metadata(check, model, told, input)
            local found = select(2, next(outputs)):argmax(2):values()
            for i, path in ipairs(paths) do check(found[i] == guesses[i], path .. " is alike in onnxruntime", found[i]) end
         end }
   end
   add("as numbers", "", { input = numbers }, { logits = logits }, "f32", "float")
   add("as bytes", "--input uint8 --outputs probabilities", { photos = bytes }, { probabilities = logits:softmax(-1) }, "f32",
      "uint8")
   add("as bytes, in half width", "--input uint8 --dtype f16", { photos = bytes }, { logits = logits }, "f16", "uint8")
   check_document(check, root, model)
   scratch.remove(root)
end
