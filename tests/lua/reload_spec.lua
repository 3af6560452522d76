-- .reload: what an edited module defines goes into the tables that exist. And no module of scute's own breaks by it.
local lfs = require "lfs"
local reload = require "scute.repl.reload"
local scute = require "scute"

local BEFORE = [[
local shapes = { LIMIT = 3 }
local Point = {}
Point.__index = Point
Point.__len = function(p) return p.x end
local known = setmetatable({}, { __mode = "k" })
local function norm(p) return p.x end
local function all() return Point end
function Point:size() return norm(self) end
function shapes.point(x)
   local p = setmetatable({ x = x }, Point)
   known[p] = true
   return p
end
function shapes.is_point(p) return getmetatable(p) == all() end
function shapes.knows(p) return known[p] end
function shapes.gone() return "still there" end
return shapes
]]

local AFTER = BEFORE:gsub("LIMIT = 3", "LIMIT = 40"):gsub("norm%(p%) return", "norm(p) return 10 *")
   :gsub("function shapes.gone.-end\n", "function Point:twice() return 2 * norm(self) end\n")

local folder, path

local function write(text)
   local file = assert(io.open(path, "w"))
   file:write(text)
   file:close()
end

setup(function()
   folder = os.tmpname()
   os.remove(folder)
   assert(lfs.mkdir(folder))
   path = folder .. "/scute_spec_shapes.lua"
   package.path = folder .. "/?.lua;" .. package.path
end)

teardown(function()
   package.path = package.path:gsub("^[^;]*;", "")
   os.execute(("rm -rf '%s'"):format(folder))
end)

local shapes, point

before_each(function()
   write(BEFORE)
   package.loaded.scute_spec_shapes = nil
   shapes = require "scute_spec_shapes"
   point = shapes.point(2)
   reload.note()
end)

describe("reload", function()
   it("sees which files have changed since they were loaded", function()
      assert.same({}, reload.changed())
      write(AFTER)
      assert.same({ "scute_spec_shapes" }, reload.changed())
      reload.module "scute_spec_shapes"
      assert.same({}, reload.changed())
   end)

   it("sees an edit of the same length in the same second", function()
      write(BEFORE:gsub("LIMIT = 3", "LIMIT = 4"))
      local time = assert(lfs.attributes(path)).modification
      lfs.touch(path, time, time)
      reload.module "scute_spec_shapes"
      local before = scute.files.stamp(path)
      repeat -- until the file system's clock has gone on
         write(BEFORE:gsub("LIMIT = 3", "LIMIT = 5"))
         lfs.touch(path, time, time)
      until scute.files.stamp(path) ~= before
      assert.same({ "scute_spec_shapes" }, reload.changed())
   end)

   it("gives old objects the new methods, and new objects the old class", function()
      local kept, held = shapes.point, { size = point.size }
      write(AFTER)
      assert.equal(7, reload.module "scute_spec_shapes")
      assert.equal(shapes, require "scute_spec_shapes")
      assert.same({ 20, 40, 2 }, { point:size(), point:twice(), #point })
      assert.equal(40, shapes.LIMIT)
      assert.equal("still there", shapes.gone())
      for _, p in ipairs { point, shapes.point(5), kept(5) } do
         assert.is_true(shapes.is_point(p))
         assert.is_true(shapes.knows(p))
      end
      assert.equal(2, held.size(point)) -- a function that was kept stays as it was
   end)

   it("replaces a function that is the module itself where other modules have it", function()
      write "return function() return 1 end"
      package.loaded.scute_spec_shapes = nil
      local f = require "scute_spec_shapes"
      package.loaded.scute_spec_family = { f = f }
      write "return function() return 1 + 1 end"
      reload.module "scute_spec_shapes"
      assert.equal(2, package.loaded.scute_spec_family.f())
      package.loaded.scute_spec_family = nil
   end)

   it("leaves everything as it is where the file is wrong", function()
      for text, message in pairs { ["local x = = 1"] = "unexpected symbol", ["error 'no'"] = "no" } do
         write(text)
         assert.error_matches(function() reload.module "scute_spec_shapes" end, message)
         assert.equal(2, point:size())
         assert.same({ "scute_spec_shapes" }, reload.changed())
      end
   end)

   it("goes by the file that a module was loaded from, whatever lies elsewhere under its name", function()
      local function put(name, text)
         local file = assert(io.open(folder .. "/" .. name, "w"))
         file:write(text)
         file:close()
      end
      lfs.mkdir(folder .. "/other")
      put("scute_spec_helper.lua", "return { where = 'here', f = function() end }")
      put("other/scute_spec_helper.lua", "return { where = 'beside', f = function() end }")
      put("other/scute_spec_data.lua", "return { lr = 1 }")
      put("other/script.lua", "helper, data = require 'scute_spec_helper', require 'scute_spec_data'")
      put("other/edit.lua", "local f <close> = io.open(arg[1], 'w') f:write('return { lr = 20 }')")
      put("input", ".run other/script.lua\n.reload scute_spec_helper\nhelper.where\n"
         .. ".run other/edit.lua other/scute_spec_data.lua\n.reload scute_spec_data\nrequire('scute_spec_data').lr\n")
      local program = arg[-1]:find "^/" and arg[-1] or lfs.currentdir() .. "/" .. arg[-1]
      local pipe = io.popen(("cd '%s' && '%s' <input 2>/dev/null"):format(folder, program))
      assert.equal('beside\n20\n', (pipe:read "a":gsub("[^\n]*reload[^\n]*\n", ""):gsub("%(a fun[^\n]*\n", "")))
      pipe:close()
   end)

   it("breaks none of scute's own modules", function()
      local program = ("%s/program.lua"):format(folder)
      local file = assert(io.open(program, "w"))
      file:write [[
         local scute = require "scute"
         for _, name in ipairs { "models", "optim", "train", "data", "plot", "evaluate", "cli" } do local _ = scute[name] end
         local net = scute.models.resnet18 { classes = 3 }
         local loop, reload, x = require "scute.repl.loop", require "scute.repl.reload", scute.ones(1, 3, 32, 32)
         local before = net:eval()(x):values()
         reload.note()
         for _, name in ipairs(reload.names()) do reload.module(name) end
         local after = net(x):values()
         assert(loop and after[1] == before[1] and after[3] == before[3])
         assert(scute.nn.Module.is(net, scute.nn.Module))
         local optimizer = scute.optim.adamw(net:groups { lr = 0.1 })
         net:train()(scute.randn(4, 3, 32, 32)):sum():backward()
         optimizer:step()
         print(#reload.names() > 90, net:eval()(x):values()[1] ~= before[1])]]
      file:close()
      local pipe = io.popen(("'%s' '%s' 2>&1"):format(arg[-1], program))
      assert.equal("true\ttrue\n", pipe:read "a")
      pipe:close()
   end)
end)
