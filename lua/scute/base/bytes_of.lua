-- All of a file's bytes, nil where it cannot be opened or read; file_text says why instead.
return function(path)
   local file = io.open(path, "rb")
   if not file then return nil end
   local bytes = file:read "a"
   file:close()
   return bytes
end
