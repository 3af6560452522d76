-- Photo by photo: a model's file, exported by scripts/export.lua as a user does it, classifies photos in onnxruntime as scute
-- does: from numbers, from bytes that it normalises itself, and from bytes in half width.
local scute = require "scute"
local runtime = dofile "tests/export/runtime.lua"

local alike = {}

--- Exports a model file with flags of the script.
function alike.export(file, path, flags)
   local line = "'%s' scripts/export.lua --quiet --overwrite --model '%s' --format onnx --output '%s' %s"
   assert(os.execute(line:format(arg[-1], file, path, flags)))
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

--- Adds the three to a batch (see runtime.lua). file: the model's; paths: of the photos; look(told, input): hears what is told
-- of each file. Returns the class numbers that scute finds.
function alike.add(batch, check, file, paths, look)
   local model = scute.models.load(file)
   local numbers, bytes = see(model, paths)
   local logits = scute.no_grad(model.call, model, numbers)
   local guesses = logits:argmax(2):values()
   local function add(name, flags, inputs, expected, dtype, input)
      batch:add { name = "photos, " .. name, inputs = inputs, expected = expected, tolerance = runtime.TOLERANCE[dtype],
         save = function(path) alike.export(file, path, flags) end,
         look = function(told, _, outputs)
            look(told, input)
            local found = select(2, next(outputs)):argmax(2):values()
            for i, path in ipairs(paths) do check(found[i] == guesses[i], path .. " is alike in onnxruntime", found[i]) end
         end }
   end
   add("as numbers", "", { input = numbers }, { logits = logits }, "f32", "float")
   add("as bytes", "--input uint8 --outputs probabilities", { photos = bytes }, { probabilities = logits:softmax(-1) }, "f32",
      "uint8")
   add("as bytes, in half width", "--input uint8 --dtype f16", { photos = bytes }, { logits = logits }, "f16", "uint8")
   return guesses
end

return alike
