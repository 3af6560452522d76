-- What is for users: scute.base.public.
local scute = require "scute"
local public = require "scute.base.public"

local function has(names, wanted)
   for _, name in ipairs(names) do
      if name == wanted then return true end
   end
   return false
end

describe("public names", function()
   it("are those of a table and of what it derives from", function()
      local base = { shared = 1, helper = 2, _private = 3, ["no word"] = 4 }
      local derived = setmetatable({ own = 5 }, { __index = base })
      public.hide(base, "helper")
      assert.same({ "own", "shared" }, public.names(derived))
      assert.is_true(public.is(derived, "shared"))
      assert.is_false(public.is(derived, "helper"))
      assert.is_false(public.is(derived, 1))
   end)

   it("are others in a class than in its objects", function()
      local class = setmetatable({}, { __index = { build = 1, run = 2 } })
      public.keep_to_class(class, "build")
      assert.same({ "build", "run" }, public.names(class))
      assert.same({ "run" }, public.names(class, true))
      assert.is_false(public.is(class, "build", true))
   end)

   it("come with those that are made when asked for", function()
      local family = setmetatable({ own = 1 }, { __index = function() error "not to be called" end })
      public.offer(family, function() return { "late", "own" } end)
      assert.same({ "late", "own" }, public.names(family))
   end)

   it("end where tables go round in a circle", function()
      local one, other = { a = 1 }, { b = 2 }
      setmetatable(one, { __index = other })
      setmetatable(other, { __index = one })
      assert.same({ "a", "b" }, public.names(one))
   end)

   it("leave out what is inside the library", function()
      local Module = public.names(scute.nn.Module)
      for _, name in ipairs { "within", "tell", "observed", "instance" } do
         assert.is_false(has(Module, name), name)
         assert.is_false(has(public.names(scute.nn.Conv2d), name), name)
      end
      assert.is_true(has(Module, "freeze"))
      assert.is_false(has(public.names(scute), "sgd_step"))
      assert.is_false(has(public.names(scute.optim.Optimizer), "take_back"))
   end)

   it("are there of families that nobody has used yet", function()
      assert.is_true(has(public.names(scute), "schedule"))
      assert.is_true(has(public.names(scute.models), "resnet18"))
      assert.is_true(has(public.names(scute.plot), "curves"))
   end)
end)
