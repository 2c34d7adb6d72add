"""How a box gets its certificate: a key made on the box, a one-time code, Enrolment over Secure Transport (RFC 7030)."""
