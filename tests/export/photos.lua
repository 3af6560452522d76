-- A network that has learned small photos classifies them in onnxruntime as scute does (see alike.lua), the file says what it
-- has to see, and the lines of docs/export.md do so too.
local cjson = require "cjson"
local scute = require "scute"
local alike = dofile "tests/export/alike.lua"
local scratch = dofile "tests/lua/scratch.lua"

local python = os.getenv "PYTHON" or "python3"

-- A network that knows the photos; its files lie in `folder`/baseline_cnn.
local function learn(root)
   scute.manual_seed(0)
   local set = scute.data.open(root .. "/photos", { seed = 0 })
   local model = scute.models.baseline_cnn { classes = set.classes, image_size = 32 }
   scute.train.fit(model, set, { epochs = 3, batch_size = 8, workers = 1, precision = "fp32", output_dir = root,
      optimizer = scute.optim.adamw(model:groups { lr = 0.003 }) })
   return model:eval(), table.move(set.val.paths, 1, #set.val.paths, #set.train.paths + 1, { table.unpack(set.train.paths) })
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
local function check_document(check, root, file, model)
   if os.execute(python .. " -c 'import onnxruntime, PIL' 2>/dev/null") ~= true then
      return print("not run: the lines of docs/export.md (" .. python .. " has no onnxruntime or no Pillow)")
   end
   local page <close> = assert(io.open "docs/export.md")
   scute.files.write(root .. "/classify.py", page:read "a":match "\n```python\n(.-)```")
   os.execute(("cp examples/photo.jpg %s/turtle.jpg"):format(root))
   alike.export(file, root .. "/turtles.onnx", "--input uint8 --outputs probabilities")
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
   local file = root .. "/baseline_cnn/best.safetensors"
   local guesses = alike.add(batch, check, file, paths, function(told, input) check_metadata(check, model, told, input) end)
   check(guesses[1] ~= guesses[#guesses], "the photos are told apart", guesses[1])
   check_document(check, root, file, model)
   scratch.remove(root)
end
