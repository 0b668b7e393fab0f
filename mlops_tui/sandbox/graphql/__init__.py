"""GitLab's GraphQL API: an engine over SDL files with GitLab's type and field names.

Each noun has an SDL file and a module beside it with `RESOLVERS` (type, then field), and where needed `CALL_LIMITS`
(`Type.field` to the number of calls an operation may make) and `GLOBAL_IDS` (scalar to Ruby class).
"""
