-- Folders and files that systems and programs put among photos of their own accord. They are neither classes nor photos,
-- whatever is in them.
local system = {}

local FOLDERS = {
   "@eadir", "@tmp", "@recycle", "@recently-snapshot", "#recycle", "#snapshot",                      -- Synology, QNAP
   "system volume information", "$recycle.bin", "found.000",                                         -- Windows
   "__macosx", "network trash folder", "the volume settings folder", "resource.frk",                  -- macOS
   "lost+found", "__pycache__",
}

local FILES = {
   "thumbs.db", "thumbs.db:encryptable", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "folder.ini", "autorun.inf",
   "icon\r", "picasa.ini", "zbthumbnail.info", "pspbrwse.jbf", "albumartsmall.jpg",
}

local function set_of(list)
   local set = {}
   for _, name in ipairs(list) do set[name] = true end
   return set
end

local folders, files = set_of(FOLDERS), set_of(FILES)

-- Names that begin with a dot are hidden: .git, .AppleDouble, ._photo.jpg, .Trash-1000, ...
local function is_hidden(name)
   return name:sub(1, 1) == "."
end

function system.is_folder(name)
   return is_hidden(name) or folders[name:lower()] ~= nil
end

-- Windows keeps what it knows of a download in a stream "photo.jpg:Zone.Identifier", Synology in "photo.jpg@SynoEAStream"; on
-- other file systems these become files.
function system.is_file(name)
   local lower = name:lower()
   if is_hidden(name) or files[lower] then return true end
   return lower:find "[:@]" ~= nil and (lower:find ":zone%.identifier$" or lower:find "@syno%w+$"
      or lower:find ":encryptable$") ~= nil
end

return system
