-- A shape, a list of sizes, as messages have it: "(2, 3)".
return function(shape)
   return "(" .. table.concat(shape, ", ") .. ")"
end
