-- The pages on parts of one's own (docs/parts): what they show as code is in the example, or runs.
local scute = require "scute"
local scratch = dofile "tests/lua/scratch.lua"
local Small = dofile "tests/lua/small.lua"

local PAGES = { "data", "sampler", "augmentation", "hook" }
local root

local function read(path)
   local file <close> = assert(io.open(path))
   return file:read "a"
end

-- What the code of a page finds: a data set, a model for it, a table of photos.
local function environment()
   local set = scute.data.open(root .. "/photos", { seed = 0 })
   local lines = {}
   for i, path in ipairs(set.train.paths) do lines[i] = path .. "," .. set.classes[set.train.labels[i]] end
   scute.files.write(root .. "/table.csv", table.concat(lines, "\n") .. "\n")
   local model = Small(set.classes)
   local train = { fit = function(m, s, o)
      o.epochs, o.batch_size, o.workers = 1, 8, 1
      return scute.train.fit(m, s, o)
   end }
   return setmetatable({ set = set, model = model, optimizer = scute.optim.adamw(model:groups { lr = 0.01 }), train = train,
      table_of_photos = root .. "/table.csv" }, { __index = _G })
end

setup(function() root = scratch.make() end)
teardown(function() scratch.remove(root) end)

describe("the page on", function()
   for _, name in ipairs(PAGES) do
      it(name .. " shows what the example has, or what runs", function()
         local page, example = read("docs/parts/" .. name .. ".md"), read("examples/custom_" .. name .. ".lua")
         local shown, of_example = 0, 0
         for code in page:gmatch "```lua\n(.-)```" do
            shown = shown + 1
            if example:find(code, 1, true) then
               of_example = of_example + 1
            else
               local env = environment()
               env.scute = scute
               assert(load(code, "=docs/parts/" .. name .. ".md", "t", env))()
            end
         end
         assert.equal(1, of_example, "blocks of the example")
         assert.is_true(shown >= 1)
         assert.is_truthy(page:find("examples/custom_" .. name .. ".lua", 1, true))
      end)
   end
end)
