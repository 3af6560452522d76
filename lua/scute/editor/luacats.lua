-- Lines of LuaCATS, the annotations that Lua language servers read.
local luacats = {}

--- A text as lines of comment. Nothing in it is taken for an annotation.
function luacats.text(text)
   local lines = {}
   for line in (text .. "\n"):gmatch "(.-)\n" do
      line = line:gsub("^%s*[@|]", "\\%0") -- which would begin an annotation
      lines[#lines + 1] = ("--- " .. line):gsub("%s+$", "")
   end
   while lines[#lines] == "---" do lines[#lines] = nil end
   return lines
end

local function in_one_line(text)
   return text and text ~= "" and " " .. text:gsub("%s+", " ") or ""
end

function luacats.class(name, parent)
   return ("---@class %s%s"):format(name, parent and " : " .. parent or "")
end

function luacats.field(name, type, about, optional)
   return ("---@field %s%s %s%s"):format(name, optional and "?" or "", type, in_one_line(about))
end

function luacats.param(name, type, about, optional)
   return ("---@param %s%s %s%s"):format(name, optional and "?" or "", type, in_one_line(about))
end

function luacats.returns(type, name)
   return ("---@return %s%s"):format(type, name and " " .. name or "")
end

--- What is returned by a method that returns what it was called on, of whatever class that is.
function luacats.returns_self()
   return { "---@generic T", "---@param self T", "---@return T" }
end

function luacats.operator(name, operand, result)
   return ("---@operator %s%s: %s"):format(name, operand and ("(%s)"):format(operand) or "", result)
end

--- Another way to call what follows. parameters: a list of {name, type, optional}.
function luacats.overload(parameters, result)
   local parts = {}
   for i, p in ipairs(parameters) do parts[i] = ("%s%s: %s"):format(p[1], p[3] and "?" or "", p[2]) end
   return ("---@overload fun(%s)%s"):format(table.concat(parts, ", "), result and ": " .. result or "")
end

return luacats
