-- What Lua says of code that it cannot read, in one line and with a word on what comes of other languages.
local HINTS = {
   { "near '<\\%d+>'$", "names have letters from a to z, digits and _; other letters stand in texts only" },
   { "near '@'$", "the product of matrices is a:matmul(b)" },
   { "'%)' expected near '='$", "named arguments stand in braces, as in f { name = value }" },
   { "syntax error near '[+*/-]'$", "an expression is no statement, and there is no +=: x = x + 1" },
   { "near '!'$", "not equal is a ~= b, the opposite is not a" },
   { "^[^\n]*unexpected symbol near '#'$", "a comment begins with --" },
}

-- A module's error has a line and the position of its own.
local function of_module(message)
   local name, path, why = message:match "^error loading module '([^\n]-)' from file '([^\n]-)':\n\t([^\n]*)"
   if not name then return message end
   return why:sub(1, #path) == path and why or ("error loading module '%s': %s"):format(name, why)
end

--- That text of an error; any other one as it is.
return function(message)
   message = of_module(message)
   for _, hint in ipairs(HINTS) do
      if message:find(hint[1]) then return message .. "; " .. hint[2] end
   end
   return message
end
