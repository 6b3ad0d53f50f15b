"""Releases on servers: small files fetched whole, shards by the bytes that a window needs, both kept in a cache.

transport   files below one address, whole or by ranges, tried again where a connection fails (fsspec)
cache       the folder where what was fetched is kept, with a limit
shard       a shard on a server: its index, and the chunks that are asked for
origin      a release on a server, as its reader sees it: files by name, every one checked
copying     a whole release, file by file, resumable
"""
