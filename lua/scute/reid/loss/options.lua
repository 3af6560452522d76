-- The options of reid.loss: those that a text can say are flags of scripts, too.
local options = require "scute.base.options"

local function read_margin(text)
   local margin = text == "dynamic" and text or tonumber(text)
   if type(margin) == "string" or margin and margin >= 0 and margin < math.huge then return margin end
   error(("expected a number of at least 0, or dynamic, found '%s'"):format(text), 0)
end

local LOSS = options.declare("reid.loss", {
   { "loss", choices = { "arcface", "triplet", "supcon", "softmax" }, default = "arcface",
     help = "what the embedding learns by: arcface: nearest to its individual's centre, by a margin (Deng et al. 2019); "
        .. "triplet: nearer to photos of the same individual than to others, by a margin (Schroff et al. 2015); supcon: the "
        .. "same among all photos of a batch (Khosla et al. 2020); softmax: nearest to its centre" },
   { "margin", read = read_margin, is = options.typed(function(value)
        return type(value) == "number" and value >= 0 and value < math.huge
     end, "number"), expected = "a number of at least 0, or dynamic", value = "X|dynamic",
     show = "arcface 0.5 (radians), triplet 0.2", suggests = { "dynamic" },
     help = "arcface, triplet: how much nearer the own ones are to be; dynamic (arcface): the larger the fewer photos an "
        .. "individual has (Ha et al. 2020)" },
   { "scale", number = true, above = 0, default = 64, value = "S", help = "what cosines to the centres are multiplied with" },
   { "mining", choices = { "semihard", "hard", "all" }, show = "semihard",
     help = "triplet: which of the batch's triplets count" },
   { "temperature", number = true, above = 0, show = "0.1", help = "supcon: what cosines are divided by" },
   { "counts", is = options.of_type "table", expected = "a list of numbers", show = "none",
     help = "how many photos that train each individual has (set.train.counts), for dynamic margins" },
})

local TAKEN_BY = { margin = { arcface = true, triplet = true }, mining = { triplet = true }, temperature = { supcon = true } }

--- What of the options means nothing for the loss, in words; nil where nothing does.
local function fault_of(o)
   for _, name in ipairs { "margin", "mining", "temperature" } do
      if o[name] ~= nil and not TAKEN_BY[name][o.loss] then return ("'%s' means nothing for %s"):format(name, o.loss) end
   end
   if o.margin == "dynamic" then
      return o.loss ~= "arcface" and ("the margin of %s is a number; those of arcface may be dynamic"):format(o.loss) or nil
   elseif o.margin and o.loss == "arcface" and o.margin >= math.pi then
      return ("the margin of arcface is an angle in radians, below pi; found %g"):format(o.margin)
   elseif o.margin == 0 and o.loss == "triplet" then
      return "the margin of triplet is above 0; found 0"
   end
end

return { LOSS = LOSS, fault_of = fault_of }
