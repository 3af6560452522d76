--- Numbers that are none.
local finite = {}

--- "NaN" or "infinity", where a tensor of floating point numbers holds such; else nil.
function finite.problem(tensor)
   local size <close> = tensor:abs()
   local largest <close> = size:max() -- a NaN beats everything
   local value = largest:item()
   if value ~= value then return "NaN" end
   return value == math.huge and "infinity" or nil
end

--- Raises where one of the tensors, by name in the order of `names`, holds such numbers; `path` is the file that they are of.
function finite.check(path, names, tensors)
   for _, name in ipairs(names) do
      local tensor = tensors[name]
      local problem = tensor.dtype ~= "i64" and finite.problem(tensor)
      if problem then
         error(("%s: '%s' holds %s: the file is damaged, or of a training that failed"):format(path, name, problem), 0)
      end
   end
end

return finite
