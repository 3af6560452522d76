-- The thing that an expression stands for, from its tokens.
local things = require "scute.repl.complete.things"
local tokens = require "scute.base.tokens"

local expression = {}

local value_at -- function(list, at, last) -> thing, place behind it

-- The content of a text token, where it is a plain one.
local function text_of(token)
   return token.text:match "^[\"']([^\\]*)[\"']$"
end

local function last_index(list, name, before)
   for i = before - 1, 1, -1 do
      local token = list[i]
      if token.kind == "name" and token.text == name and tokens.is(list[i + 1], "=") and not tokens.is(list[i - 1], ".") then
         return i + 2
      end
   end
end

-- What is assigned at a place, which is looked at once.
local function assigned_at(list, at, last)
   list.assigned = list.assigned or {}
   if list.assigned[at] == nil then list.assigned[at] = value_at(list, at, last) or false end
   return list.assigned[at] or nil
end

-- A variable: what the lines so far, which have not run yet, say that it will be, or else what it is.
local function variable(list, at)
   local name = list[at].text
   local from = last_index(list, name, at)
   return from and from < at and assigned_at(list, from, at - 1) or things.of(rawget(_G, name))
end

local function primary(list, at)
   local token = list[at]
   if token.kind == "name" then return variable(list, at), at + 1 end
   if token.kind == "text" then return { kind = "text" }, at + 1 end
   if not (tokens.is(token, "(") or tokens.is(token, "{")) then return nil, at + 1 end
   local last = tokens.closing(list, at)
   if not last then return nil, #list + 1 end
   return token.text == "(" and value_at(list, at + 1, last - 1) or nil, last + 1
end

-- x["name"] and x[2]; any other index may be a number.
local function index_of(list, first, last)
   local key = list[first]
   if first ~= last or not key then return 1 end
   if key.kind == "text" then return text_of(key) end
   return key.kind == "number" and math.tointeger(tonumber(key.text)) or 1
end

-- What follows a value: fields, methods, calls, indices.
local function postfix(list, thing, at, last)
   while at <= last do
      local token, following = list[at], list[at + 1]
      if tokens.is(token, ".") or tokens.is(token, ":") then
         if not following or following.kind ~= "name" or at + 1 > last then break end
         local find = token.text == "." and things.field or things.method
         thing, at = find(thing, following.text), at + 2
      elseif token.kind == "text" then
         thing, at = things.result(thing), at + 1
      elseif tokens.is(token, "(") or tokens.is(token, "{") or tokens.is(token, "[") then
         local closed = tokens.closing(list, at)
         if not closed or closed > last then break end
         if token.text == "[" then
            thing = things.field(thing, index_of(list, at + 1, closed - 1))
         else
            thing = things.result(thing)
         end
         at = closed + 1
      else
         break
      end
   end
   return thing, at
end

local UNARY = { ["-"] = true, ["~"] = true }

local function operand(list, at, last)
   local token = list[at]
   if token and tokens.is(token, "#") or token and token.kind == "keyword" then
      local _, behind = operand(list, at + 1, last)
      return nil, behind
   end
   if token and token.kind == "sign" and UNARY[token.text] then return operand(list, at + 1, last) end
   if not token or at > last then return nil, at + 1 end
   local thing, behind = primary(list, at)
   return postfix(list, thing, behind, last)
end

local BINARY = {}
for sign in ("+ - * / // % ^ .. == ~= < > <= >="):gmatch "%S+" do BINARY[sign] = true end

function value_at(list, at, last)
   local thing
   thing, at = operand(list, at, last)
   while at <= last and list[at].kind == "sign" and BINARY[list[at].text] do
      local right, behind = operand(list, at + 1, last)
      thing, at = things.operated(list[at].text, thing, right), behind
   end
   return thing, at
end

--- The thing that ends with the token at `at`; nil where it is not known.
function expression.before(list, at)
   local first = tokens.start_of_value(list, at)
   if not first then return nil end
   local thing, behind = primary(list, first)
   return (postfix(list, thing, behind, at))
end

return expression
