-- Prints all cases as JSON, for tests/golden/make_ops.py. Usage: scute tests/ops/export.lua >cases.json
local here = arg[0]:match("^(.*)/") or "."
package.path = here .. "/lib/?.lua;" .. package.path

local cjson = require "cjson"
local cases = require "cases"
local scute = require "scute"

local list = {}
for _, family in ipairs(cases.families(here)) do
   for _, case in ipairs(cases.load(here, family, scute.op_info)) do
      if case.golden ~= false then
         list[#list + 1] = { id = case.id, op = case.op, fingerprint = case.fingerprint, inputs = case.flat,
            attrs = case.attrs }
      end
   end
end
print(cjson.encode(list))
