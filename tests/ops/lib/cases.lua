-- Case tables: loading them, giving each case an identity, and the numbers that its tensors hold.
local M = {}

-- ---- numbers ----

-- A value as text, to the last bit.
local function canonical(value)
   if type(value) ~= "table" then return type(value) == "number" and ("%.17g"):format(value) or tostring(value) end
   local keys, parts = {}, {}
   for key in pairs(value) do keys[#keys + 1] = key end
   table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
   for i, key in ipairs(keys) do parts[i] = tostring(key) .. "=" .. canonical(value[key]) end
   return "{" .. table.concat(parts, ",") .. "}"
end

local function hash(position, salt)
   local h = (position * 0x9E3779B1 + salt * 0x85EBCA77 + 0x165667B1) & 0xffffffff
   h = ((h ~ h >> 16) * 0x7feb352d) & 0xffffffff
   h = ((h ~ h >> 15) * 0x846ca68b) & 0xffffffff
   return h ~ h >> 16
end

local function to_f32(value)
   return (string.unpack("f", string.pack("f", value)))
end

function M.numel(shape)
   local n = 1
   for _, size in ipairs(shape) do n = n * size end
   return n
end

local function compute_values(spec, salt)
   local list, scale, shift = {}, spec.scale or 1, spec.shift or 0
   for i = 1, M.numel(spec.shape) do
      local bits = hash(i - 1, salt) >> 8
      if spec.low then
         list[i] = spec.low + bits % (spec.high - spec.low + 1)
      else
         list[i] = to_f32((bits / 0x800000 - 1) * scale + shift)
      end
   end
   return list
end

local MOST = 4000000
local computed, held = {}, 0 -- a case asks for the same numbers again and again; how many there are

-- The numbers of an input in logical order, all exact in float32: whole ones from low to high, or a 24-bit fraction from
-- -1 to 1 times scale plus shift. The same formula is in tests/golden/make_ops.py. The list is not to be changed.
function M.values(spec, salt)
   local key = canonical { n = M.numel(spec.shape), salt = salt, scale = spec.scale, shift = spec.shift, low = spec.low,
      high = spec.high }
   if computed[key] then return computed[key] end
   if held > MOST then computed, held = {}, 0 end
   local list = compute_values(spec, salt)
   computed[key], held = list, held + #list
   return list
end

-- Up to `count` different positions of n, spread by the hash.
function M.positions(n, count)
   local list, seen = {}, {}
   if n <= count then
      for i = 1, n do list[i] = i end
      return list
   end
   for j = 0, 4 * count do
      local position = hash(j, 77) % n + 1
      if not seen[position] and #list < count then
         seen[position] = true
         list[#list + 1] = position
      end
   end
   return list
end

-- ---- identity ----

-- What the golden numbers of a case depend on, as 16 hexadecimal digits (FNV-1a).
local function fingerprint(case)
   local text = canonical { case.op, case.inputs or {}, case.attrs or {}, case.grad or "all" }
   local h = 0xcbf29ce484222325
   for i = 1, #text do h = (h ~ text:byte(i)) * 0x100000001b3 end
   return ("%016x"):format(h)
end

-- ---- the tensors of a case ----

local function is_spec(value)
   return type(value) == "table" and value.shape ~= nil
end

-- A flat list of {param, index (in a list, else nil), spec or number, salt, float}, in the order of declaration.
local function flatten(case, params)
   local flat = {}
   local function add(param, index, value)
      local entry = { param = param, index = index, salt = #flat + 1 }
      if type(value) == "number" then entry.number = value else entry.spec = value end
      entry.float = entry.spec ~= nil and not (entry.spec.dtype == "i64" or entry.spec.dtype == "u8")
      flat[#flat + 1] = entry
   end
   for _, param in ipairs(params) do
      local value = case.inputs and case.inputs[param]
      if is_spec(value) or type(value) == "number" then add(param, nil, value) end
      if type(value) == "table" and not is_spec(value) then
         for i, each in ipairs(value) do add(param, i, each) end
      end
   end
   return flat
end

local function check_names(case, params)
   local known = {}
   for _, name in ipairs(params) do known[name] = true end
   for _, field in ipairs { "inputs", "attrs" } do
      for name in pairs(case[field] or {}) do
         if not known[name] then error(("case '%s': %s has no parameter '%s'"):format(case.id, case.op, name), 0) end
      end
   end
end

local function mark_gradients(case)
   local wanted = {}
   for _, name in ipairs(case.grad or {}) do wanted[name] = true end
   for _, entry in ipairs(case.flat) do
      entry.grad = case.differentiable and entry.float and (case.grad == nil or wanted[entry.param] == true)
   end
end

local function prepare(case, family, info)
   case.family = family
   case.id = ("%s/%s: %s"):format(family, case.op, case.name)
   local known = info(case.op)
   check_names(case, known.params)
   case.flat = flatten(case, known.params)
   case.differentiable = known.differentiable
   case.fingerprint = fingerprint(case)
   mark_gradients(case)
end

-- ---- files ----

-- families(folder) -> sorted names of the tables in it
function M.families(folder)
   local names = {}
   for file in require("lfs").dir(folder) do
      local name = file:match("^([%w_]+)%.lua$")
      if name and name ~= "run" and name ~= "export" then names[#names + 1] = name end
   end
   table.sort(names)
   return names
end

-- load(folder, family, info) -> the table of a family, its cases prepared; `info` is scute.op_info
function M.load(folder, family, info)
   local list = assert(loadfile(("%s/%s.lua"):format(folder, family)))()
   local seen = {}
   for _, case in ipairs(list) do
      prepare(case, family, info)
      if seen[case.id] then error(("two cases are called '%s'"):format(case.id), 0) end
      seen[case.id] = true
   end
   return list
end

return M
