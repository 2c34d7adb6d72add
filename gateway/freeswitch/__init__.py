"""FreeSWITCH's event socket (ESL): its wire, its messages, and what mod_callcenter means for the floor."""
