-- A text as one word for the shell.
return function(text)
   return "'" .. text:gsub("'", "'\\''") .. "'"
end
