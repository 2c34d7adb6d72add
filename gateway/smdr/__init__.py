"""Call records that a PBX prints (SMDR, CDR): lines, profiles, records; sources by serial line and TCP."""
