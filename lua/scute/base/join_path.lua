-- The path of a part of a module, as in "layer1.0.conv1"; the whole has the path "".
return function(path, name)
   return path == "" and name or path .. "." .. name
end
