-- What a network knows of photos that it has learned nothing about yet: each photo that validates gets the class of the one
-- that trains and looks most like it to the network. Run it:
--    ./scute examples/nearest_neighbour.lua demo/data efficientnet_lite0 deps/weights/efficientnet-lite0-57934424.pth
-- The first argument is a folder of photos as the exercises take it (none: the demo's), then come a model and where its
-- weights come from: "imagenet", a file, or "none" (random numbers, which see little).
local scute = require "scute"

local folder, name, weights = arg[1] or "demo/data", arg[2] or "mobilenet_v2", arg[3] or "imagenet"
local set = scute.data.open(folder)
local model = scute.models.create(name, { classes = set.classes, pretrained = weights, log = false })

local function tell(left_out)
   for _, entry in ipairs(left_out) do print("left out: " .. entry.message) end
end
tell(set.broken)

-- The features of photos, each photo's brought to length 1: (N, F). With them the classes, numbers from 1: (N).
local function look(part)
   local seen = scute.score(model, part, { want = { "features" } })
   tell(seen.bad)
   return seen.features:normalize(), scute.tensor(seen.y, { dtype = "i64" })
end

local known, classes = look(set.train)
local asked, answers = look(set.val)
local nearest = asked:matmul(known:transpose(1, 2)):argmax(2) -- of each photo that is asked about: which one is most alike
local right = classes:index_select(1, nearest):eq(answers)
print(("%s, nothing trained: %d of %d photos are most like one of their class: %.3f"):format(name,
   right:to("f32"):sum():item(), right.shape[1], right:to("f32"):mean():item()))
