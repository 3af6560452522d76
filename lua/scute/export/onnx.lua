-- Models as files of ONNX (opset 18), which onnxruntime and many other programs run. What is written down is what the model
-- computes in evaluation mode (scute.export.trace): networks of the library and modules of one's own alike.
local Classifier = require("scute.nn.classifier").Classifier
local Module = require "scute.nn.module"
local ABOUT = require "scute.export.about_option"
local about_refusal = require "scute.export.about_refusal"
local build = require "scute.export.onnx.build"
local console = require "scute.base.console"
local fold = require "scute.export.fold"
local merge = require "scute.export.merge"
local metadata_of = require "scute.export.metadata"
local onnx_file = require "scute.export.onnx_file"
local options = require "scute.base.options"
local photos = require "scute.export.photos"
local shape_text = require "scute.base.shape_text"
local tracing = require "scute.export.trace"

local function are_sizes(value)
   if type(value) ~= "table" or #value == 0 then return false end
   for _, size in ipairs(value) do
      if math.type(size) ~= "integer" or size < 1 then return false end
   end
   return true
end

local ONNX = options.declare("export.onnx", {
   { "dtype", "f32", choices = { "f32", "f16" },
      help = "in which weights are kept and the network computes; the input and what comes out are f32 in both" },
   { "shape", is = options.typed(are_sizes, "integer[]"), expected = "sizes, as in { 3, 224, 224 }",
      show = "the photos that the model was made for", help = "of an input, without the number of samples, which is free" },
   { "input", "float", choices = photos.KINDS, help = "what the file is given: float: numbers as the network sees them, (N, 3, "
      .. "H, W); uint8: bytes of photos of the model's size, (N, H, W, 3), which it scales and normalises itself" },
   { "outputs", "scores", choices = { "scores", "probabilities", "features", "both" }, help = "what the file gives: scores of "
      .. "classes, the probabilities that softmax makes of them, the features before the head, or scores and features" },
   ABOUT,
})

-- The shape of an input that the model itself knows.
local function own_shape(model)
   local preprocessing = rawget(model, "preprocessing")
   local side = preprocessing and preprocessing.crop or 0
   if side > 0 then return { 3, side, side } end
   error(("a %s does not say what it takes: give the shape of an input, as in { shape = { 3, 224, 224 } }"):format(
      model.class_name), 0)
end

-- Where the parameters lie and what they are, for the input that the model is traced with.
local function example_of(model, shape)
   local first = model:parameters()[1] or { dtype = "f32", device = "cpu" }
   return { shape = shape, dtype = first.dtype, device = first.device }
end

-- Whether what a model calls features is something else than its scores (see scute.nn.adopt).
local function has_features(model)
   return Module.is(model, Classifier) or model.takes_dropout ~= nil and model:takes_dropout()
end

-- Whether its scores are what its head makes of its features.
local function is_parted(model)
   return model.forward == Classifier.forward or model:takes_dropout()
end

local function probabilities_of(model, x)
   local scores = model(x)
   local is_tensor = Module.is_tensor(scores)
   if is_tensor and scores.rank == 2 then return scores:softmax(-1) end
   error(("outputs: probabilities are made of scores (N, classes), and the model returned %s"):format(is_tensor
      and "a tensor of shape " .. shape_text(scores.shape) or "a " .. type(scores)), 0)
end

-- What is called with a batch; nil: the model.
local function forward_of(model, outputs)
   if outputs == "scores" then return nil end
   if outputs == "probabilities" then
      return function(x) return { probabilities = probabilities_of(model, x) } end
   elseif not has_features(model) then
      error(("outputs: expected scores of a %s, which has no features of its own, found %s"):format(model.class_name,
         outputs), 0)
   elseif outputs == "features" then
      return function(x) return { features = model:features(x) } end
   end
   return function(x)
      local features = model:features(x)
      return { features = features, logits = is_parted(model) and model:head(features) or model(x) }
   end
end

local INPUTS = { "input", "photos" } -- what they are called, see scute.export.photos

-- The names of a file's inputs and outputs, which are told apart from each other.
local function names_of(outputs)
   local names, taken = { table.unpack(INPUTS) }, { input = true, photos = true }
   for i, output in ipairs(outputs) do
      local name = output.name
      if name == "" then error("an output of the model has the name '', by which no program can ask for it", 0) end
      if taken[name] then
         error(("two of the model's inputs and outputs are called '%s'; its forward names what it returns in a table"):format(
            name), 0)
      end
      names[#INPUTS + i], taken[name] = name, true
   end
   return names
end

-- Copies and shared contents, which optimizers would have to copy once more.
local function free(graph, g)
   for _, list in ipairs { graph.constants, g.tensors } do
      for _, entry in pairs(list) do entry.tensor:free() end
   end
end

-- A graph that says what the model says of itself, where it is one of scute.models.
local function new_file(model, o, names)
   local metadata = rawget(model, "preprocessing") and metadata_of(model, o.about, o.input) or nil
   return onnx_file.new { name = rawget(model, "arch") or model.class_name, half = o.dtype == "f16", metadata = metadata,
      names = names }
end

local function check_about(about)
   local why = about_refusal(about)
   if why then error(why, 0) end
end

local function export(model, path, o)
   check_about(o.about)
   photos.check(model, o.input)
   local traced = tracing.graph(model, example_of(model, o.shape or own_shape(model)), forward_of(model, o.outputs))
   local graph = merge(fold(traced))
   build.check(graph)
   local g = new_file(model, o, names_of(graph.outputs))
   graph.batch_name = photos.input(g, o.input, build.dims(graph.values[1]), rawget(model, "preprocessing"))
   local names = build.nodes(g, graph, { graph.batch_name })
   for i, output in ipairs(graph.outputs) do
      local value = graph.values[output.id]
      g:output(output.name, value.dtype, build.dims(value), names[i])
   end
   g:save(path)
   free(graph, g)
end

-- The text of an error without the place in the library where it was raised; where forward failed, the user's lines follow.
local function reason(why)
   return (why:gsub("^[^\n:]*lua/scute/[^\n:]*:%d+: ", ""))
end

--- Writes a model, of scute.models or a module of one's own, to a file of ONNX (opset 18), which onnxruntime and many other
--- programs run: what it computes in evaluation mode, for any number of samples, with batch norm folded into the convolutions.
--- forward is called with one, two and five samples to see which ops it calls; what it decides in Lua by its input cannot be
--- written down and is an error, as is an op without a counterpart, with its layer's path and before anything is written; what
--- it decides by a larger number of samples is not seen. What forward returns is "logits" in the file; of a table, what its
--- fields are called.
local function onnx(model, path, given)
   if not Module.is_module(model) then
      error("export.onnx: expected a model, found " .. console.brief(model), 2)
   elseif type(path) ~= "string" then
      error("export.onnx: expected the path of a file, found " .. console.brief(path), 2)
   elseif not path:find "[^/]%.onnx$" then
      error(("export.onnx: expected a path that ends in .onnx, by which programs know what is in it, found '%s'"):format(path),
         2)
   end
   local o = ONNX:read(given)
   local ok, why = pcall(export, model, path, o)
   if not ok then error(type(why) == "string" and "export.onnx: " .. reason(why) or why, 2) end
end
ONNX:describes(onnx)

return onnx
