-- The pages on parts of one's own (docs/parts): what they show in Lua is what an example runs, or runs by itself.
local lfs = require "lfs"
local scute = require "scute"
local scratch = dofile "tests/lua/scratch.lua"
local Small = dofile "tests/lua/small.lua"

local FOLDER = "docs/parts/"
local root

local function read(path)
   local file <close> = assert(io.open(path))
   return file:read "a"
end

local function files(folder, suffix)
   local list = {}
   for name in lfs.dir(folder) do
      if name:find("%." .. suffix .. "$") then list[#list + 1] = name end
   end
   table.sort(list)
   return list
end

local examples = {}
for i, name in ipairs(files("examples", "lua")) do examples[i] = read("examples/" .. name) end

local function is_of_an_example(code)
   for _, text in ipairs(examples) do
      if text:find(code, 1, true) then return true end
   end
   return false
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
   return setmetatable({ scute = scute, set = set, model = model, train = train, table_of_photos = root .. "/table.csv",
      optimizer = scute.optim.adamw(model:groups { lr = 0.01 }) }, { __index = _G })
end

setup(function() root = scratch.make() end)
teardown(function() scratch.remove(root) end)

describe("docs/parts/", function()
   for _, name in ipairs(files(FOLDER, "md")) do
      it(name .. " shows what an example runs, or what runs", function()
         local of_examples = 0
         for code in read(FOLDER .. name):gmatch "\n```lua\n(.-)```" do
            if is_of_an_example(code) then
               of_examples = of_examples + 1
            else
               assert(load(code, "=" .. FOLDER .. name, "t", environment()))()
            end
         end
         assert.is_true(of_examples > 0)
      end)

      it(name .. " links to files that there are", function()
         for target in read(FOLDER .. name):gmatch "%]%(([^)#]+)" do
            assert.is_truthy(lfs.attributes(FOLDER .. target), target)
         end
      end)
   end
end)
