-- The head of a model that embeds: where it is, how it takes the place of one that classifies, and what pools before it.
local scute = require "scute.core"
local console = require "scute.base.console"
local nn = require "scute.nn"
local architectures = require "scute.nn.architectures"
local Module = require "scute.nn.module"

local head = {}

-- ---- where it is ----

-- The layer at the place of a model's head, or nil.
local function layer_of(model)
   local layer = model
   for name in tostring(rawget(model, "head_path") or ""):gmatch "[^.]+" do layer = layer and layer:child(name) end
   return layer ~= model and layer or nil
end

--- The nn.EmbeddingHead of a model; nil of one that only classifies.
function head.of(model)
   local layer = Module.is_module(model) and layer_of(model)
   return layer and Module.is(layer, nn.EmbeddingHead) and layer or nil
end

-- ---- putting it there ----

-- How many numbers the backbone says of a photo: of one without anything in it.
local function width_of(model)
   local side, _, first = model.preprocessing.crop, model:named_parameters()()
   local x <close> = scute.zeros({ 1, 3, side, side }, { device = first.device, dtype = first.dtype })
   local features <close> = model:embed(x)
   return features.shape[2]
end

-- Of a network of one's own it may be unknown where its features end.
local function check_parted(model, width)
   local layer, entry = layer_of(model), architectures.get(model.arch)
   if not (entry and entry.own) then return end
   local takes = layer and rawget(layer, "in_features")
   if not layer or takes and takes ~= width then
      console.fail("reid.model: it is not known where the features of '%s' end and its head begins; build it as an "
         .. "nn.Sequential whose last layer is an nn.Linear, or as an nn.Classifier (help \"nn.Classifier\")", model.arch)
   end
end

-- Takes over what another head has learned but for its centres, where the layers are alike. Returns whether they are.
local function take_over(new, old)
   for _, name in ipairs { "embedding", "neck" } do
      local own, given = new:child(name), old:child(name)
      if (own == nil) ~= (given == nil) then return false end
      if own and not pcall(own.load_state_dict, own, given:state_dict()) then return false end
   end
   return true
end

-- Dropout before the embedding, in place of what the architecture or a file has there.
local function set_dropout(model, p)
   model:set_dropout(p)
   if p == 0 then rawset(model, "dropout_before_head", nil) end -- which says nothing more
end

local SIZE = 512 -- numbers of an embedding where nothing says how many

--- Puts a new nn.EmbeddingHead for the classes `names` in the place of a model's head, whatever that is. o: { embedding_size
-- (nil: that of a head that embeds already, else 512), dropout, neck, sub_centers }. Returns a line that says what was done. Of
-- a head that embeds already the embedding is kept, and its centres are new.
function head.put(model, names, o)
   local old, width = head.of(model), width_of(model)
   check_parted(model, width)
   local size = o.embedding_size or old and old.features or SIZE
   local new = nn.EmbeddingHead { in_features = width, classes = #names, features = size,
      neck = o.neck, sub_centers = o.sub_centers }
   local kept = old and take_over(new, old)
   local parent, name = model.head_path:match "^(.*)%.([^.]+)$"
   local holder = parent and model:get(parent) or model
   holder:add(name or model.head_path, new:train(model.training))
   model.classes = table.move(names, 1, #names, 1, {})
   set_dropout(model, o.dropout)
   return ("%s: %s %d → %d%s, %s%s"):format(kept and "the embedding is kept, its centres are new" or "new head",
      model.head_path, width, size, o.neck and ", BN-neck" or "", console.count(#names, "individual"),
      o.sub_centers > 1 and (" with %d centres each"):format(o.sub_centers) or "")
end

-- ---- pooling ----

-- Networks that have no layer for their mean and take one in its place.
local TAKES_POOLING = { mobilenet_v2 = true }

local CLASS = { avg = nn.AdaptiveAvgPool2d, gem = nn.GeMPool2d }

--- How a model pools: "avg", "gem", or nil where that is not known.
function head.pooling(model)
   local layer = model:child "avgpool"
   for name, class in pairs(CLASS) do
      if layer and Module.is(layer, class) then return name end
   end
   return not layer and TAKES_POOLING[model.arch] and "avg" or nil
end

--- Makes a model pool as `name` says.
function head.pool(model, name)
   local now = head.pooling(model)
   if now == name then return end
   if not now then
      console.fail("pooling: it is not known what '%s' pools with: it has no layer 'avgpool' that is an nn.AdaptiveAvgPool2d, "
         .. "in whose place another could come", model.arch)
   end
   model:add("avgpool", CLASS[name] {})
end

return head
