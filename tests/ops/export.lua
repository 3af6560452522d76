-- Prints all cases as JSON, for tests/golden/make_ops.py. Usage: scute tests/ops/export.lua >cases.json
local here = arg[0]:match("^(.*)/") or "."
package.path = here .. "/lib/?.lua;" .. package.path

local cjson = require "cjson"
local cases = require "cases"
local scute = require "scute"

-- How each parameter is called, and what kind of thing it is.
local function params_of(op)
   local params = {}
   for i, argument in ipairs(scute.op_info(op).arguments) do params[i] = { name = argument.name, kind = argument.kind } end
   return params
end

local list = {}
for _, family in ipairs(cases.families(here)) do
   for _, case in ipairs(cases.load(here, family, scute.op_info)) do
      if case.golden ~= false then
         list[#list + 1] = { id = case.id, op = case.op, fingerprint = case.fingerprint, inputs = case.flat,
            attrs = case.attrs, params = params_of(case.op) }
      end
   end
end
cjson.encode_invalid_numbers(true) -- a norm may be of an infinite power, which Python reads by another name
print((cjson.encode(list):gsub(":(%-?)inf([,}])", ":%1Infinity%2")))
