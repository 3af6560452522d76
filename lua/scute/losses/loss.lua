-- What scute.losses gives: a name, settings, and a call with a batch.
local is_tensor = require("scute.nn.module").is_tensor
local scute = require "scute.core"
local shape_text = require "scute.base.shape_text"

local Loss = { __name = "scute.loss" }
Loss.__index = Loss

local function brief(value)
   return is_tensor(value) and ("%s, shape %s"):format(value.dtype, shape_text(value.shape)) or tostring(value)
end

local function check(self, x, y)
   if not is_tensor(x) or x.rank ~= 2 then
      error(("losses.%s: expected %s as a tensor, found %s"):format(self.name, self.takes, brief(x)), 3)
   elseif not is_tensor(y) or y.dtype ~= "i64" or y.rank ~= 1 or y.shape[1] ~= x.shape[1] then
      error(("losses.%s: expected y as class numbers, i64 of shape (%d), found %s"):format(self.name, x.shape[1], brief(y)), 3)
   end
end

function Loss:__call(x, y)
   check(self, x, y)
   if x.dtype ~= "f16" and x.dtype ~= "bf16" then return scute.autocast("f32", self.compute, self, x, y) end
   local wide <close> = x:to "f32"
   return scute.autocast("f32", self.compute, self, wide, y)
end

--- Its settings, as run.json and messages have them.
function Loss:describe()
   return self.settings
end

function Loss:__tostring()
   return ("losses.%s (%s)"):format(self.name, self.settings)
end

local loss = {}

--- A loss. fields: name; takes: what it is called with, for messages; settings: a text; compute(self, x, y) -> the mean loss;
-- and what that wants of its own.
function loss.new(fields)
   return setmetatable(fields, Loss)
end

--- Whether y (N) and y are of one class, (N, N) in the dtype of x: a 1 where they are.
function loss.same_class(y, x)
   local n = y.shape[1]
   local down <close> = y:reshape(n, 1)
   local across <close> = y:reshape(1, n)
   local same <close> = down:eq(across)
   return same:to(x.dtype)
end

return loss
