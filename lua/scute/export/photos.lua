--- What a graph of ONNX is given: numbers as the network sees them, or photos as bytes that it scales and normalises itself.
--
--    float    "input", f32 (N, 3, H, W): red, green and blue from 0 to 1, minus the mean, by the deviation
--    uint8    "photos", u8 (N, H, W, 3): red, green and blue from 0 to 255, as programs that read photos give them
local photos = {}

photos.KINDS = { "float", "uint8" }

--- Raises where a model does not say how its photos are normalised.
function photos.check(model, kind)
   local p = rawget(model, "preprocessing")
   if kind == "float" or p and p.mean and p.std then return end
   error(("a %s does not say by which mean and deviation photos are normalised; take input = \"float\""):format(
      model.class_name), 0)
end

-- One number for each channel, as f32 (3, 1, 1).
local function of_channels(g, numbers, f)
   local list = {}
   for i, x in ipairs(numbers) do list[i] = f(x) end
   return g:node("Unsqueeze", { g:numbers(list), g:wholes { 1, 2 } })
end

-- (bytes / 255 - mean) / deviation, in fewer steps.
local function normalised(g, bytes, p)
   local channels_first = g:node("Transpose", { g:cast(bytes, "f32") }, { perm = { 0, 3, 1, 2 } })
   local centred = g:node("Sub", { channels_first, of_channels(g, p.mean, function(x) return 255 * x end) })
   return g:node("Mul", { centred, of_channels(g, p.std, function(x) return 1 / (255 * x) end) })
end

--- Declares the input of a graph (see scute.export.onnx_file); returns the value that the network takes. dims: of that value,
-- in the file's words; preprocessing: the model's.
function photos.input(g, kind, dims, preprocessing)
   if kind == "float" then return g:input("input", "f32", dims) end
   return normalised(g, g:input("photos", "u8", { dims[1], dims[3], dims[4], dims[2] }), preprocessing)
end

return photos
