SELECT type, '', '' FROM pragma_table_xinfo('{of}') WHERE name = '{named}' COLLATE NOCASE
