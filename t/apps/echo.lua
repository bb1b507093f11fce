-- A handler inside httpd: answers with headers_in, args and subprocess_env as
-- they are once the body was read.

local function quoted(text)
    return '"' .. text:gsub('[%c"\\\128-\255]', function(c)
        return string.format('\\u%04x', c:byte())
    end) .. '"'
end

function handle(r)
    local body = r:requestbody() or ''
    local head = { r.method .. ' ' .. r.uri .. '?' .. (r.args or '') .. ' HTTP/',
                   'THE_REQUEST: ' .. r.the_request }
    for name, value in pairs(r:headers_in_table()) do
        table.insert(head, name .. ': ' .. value)
    end
    for name, value in pairs(r:subprocess_env_table()) do
        table.insert(head, 'env ' .. name .. ': ' .. value)
    end
    local list = {}
    for _, line in ipairs(head) do
        table.insert(list, quoted(line))
    end
    local out = io.open(r.document_root .. '/../logs/upstream.log', 'a')
    out:write('{"scheme":"lua","head":[' .. table.concat(list, ',')
              .. '],"body":' .. quoted(body)
              .. ',"trailers":[],"connection":"lua"}\n')
    out:close()
    r.content_type = 'text/plain'
    r:write(table.concat(head, '\n') .. '\n')
    return apache2.OK
end
